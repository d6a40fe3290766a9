import { describeType } from '../encoding/codec.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { MessageHeaders, MessageKey } from './producer-manifest.ts'

/** Options of one call: the strongest layer of all. */
export interface SendOptions {
  /** In place of the manifest's key; null is no key. */
  readonly key?: MessageKey
  /** Added after the manifest's headers. */
  readonly headers?: MessageHeaders
  /** From 0; in place of the partitioner and the manifest's choice. */
  readonly partition?: number
  /** Milliseconds since 1970, or a Date; in place of the manifest's. */
  readonly timestamp?: number | Date
  /** Stops waiting: SEND_ABORTED if nothing was handed over yet, SEND_ABANDONED if the message may still arrive. */
  readonly signal?: AbortSignal
  /**
   * Final verdict after so many milliseconds, building the producer and waiting for room included: DELIVERY_TIMED_OUT, with outcome
   * `not_sent` if nothing was handed over yet, `unknown` if the driver has the message. Default: queueTimeoutMs and
   * deliveryTimeoutMs alone decide. Not for dispatch, whose verdict nobody waits for.
   */
  readonly timeoutMs?: number
}

/** Options of all messages of one `sendMany`. */
export type SendManyOptions = Omit<SendOptions, 'key'>

const known: ReadonlySet<string> = new Set<keyof SendOptions>([
  'key',
  'headers',
  'partition',
  'timestamp',
  'signal',
  'timeoutMs',
])
const maxTimeoutMs = 2_147_483_647

/** What many messages at once can have in common. */
export const knownForMany: ReadonlySet<string> = new Set([...known].filter((option) => option !== 'key'))

/** @throws SEND_OPTION_INVALID for an unknown option, a signal or a timeoutMs that is none */
export function checkSendOptions(options: SendOptions, manifest: string, allowed = known): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidOption(manifest, '(all)', 'an object', describeType(options))
  }
  for (const option in options) {
    if (!allowed.has(option))
      throw invalidOption(manifest, option, `one of ${[...allowed].join(', ')}`, 'an unknown option')
  }
  const { signal, timeoutMs } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidOption(manifest, 'signal', 'an AbortSignal', describeType(signal))
  }
  if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
    const actual = typeof timeoutMs === 'number' ? String(timeoutMs) : describeType(timeoutMs)
    throw invalidOption(manifest, 'timeoutMs', `whole milliseconds from 1 to ${maxTimeoutMs}`, actual)
  }
}

export function isTimeout(timeoutMs: unknown): boolean {
  return Number.isInteger(timeoutMs) && (timeoutMs as number) >= 1 && (timeoutMs as number) <= maxTimeoutMs
}

/** -1 leaves the choice to the partitioner. @throws SEND_OPTION_INVALID */
export function encodePartition(partition: number | undefined, manifest: string): number {
  if (partition === undefined) return -1
  if (Number.isInteger(partition) && partition >= 0 && partition <= 0x7fffffff) return partition
  const actual = typeof partition === 'number' ? String(partition) : describeType(partition)
  throw invalidOption(manifest, 'partition', 'an integer from 0', actual)
}

/** 0 means now. @throws SEND_OPTION_INVALID */
export function encodeTimestamp(timestamp: number | Date | undefined, manifest: string): number {
  if (timestamp === undefined) return 0
  const milliseconds = timestamp instanceof Date ? timestamp.getTime() : timestamp
  // The drivers take 0 as "now", so the first millisecond of 1970 cannot be said.
  if (Number.isSafeInteger(milliseconds) && milliseconds > 0) return milliseconds
  const actual = typeof milliseconds === 'number' ? String(milliseconds) : describeType(timestamp)
  throw invalidOption(manifest, 'timestamp', 'whole milliseconds since 1970, above 0, or a valid Date', actual)
}

export function invalidOption(manifest: string, option: string, expected: string, actual: string): MessagingError {
  return new MessagingError('SEND_OPTION_INVALID', { manifest, option, expected, actual }, { manifest })
}
