import type { ConsumerConfig } from '../../config/fields.ts'
import type { ConsumedMessage } from '../../driver/driver-consumer.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import { retryDueHeader } from '../handling/retry-headers.ts'

/** When a message may be handled, in milliseconds since 1970. */
export type DueTime = (message: ConsumedMessage) => number

/**
 * By `dueHeader`, or by timestamp and `delayMs`; undefined where messages may be handled as they come.
 * @param failed told once of each message whose header is no time
 */
export function createDueTime(
  { delayMs, dueHeader }: Pick<ConsumerConfig, 'delayMs' | 'dueHeader'>,
  failed: (error: MessagingError) => void,
): DueTime | undefined {
  if (dueHeader === undefined && delayMs === 0) return undefined
  const bound = createBound(delayMs)
  const told = new WeakSet<ConsumedMessage>()
  return (message) => {
    const { timestamp, topic, partition, offset } = message
    const header = dueHeader === undefined ? undefined : headerOf(message, dueHeader)
    if (header !== undefined) {
      const due = parseTime(header)
      if (due !== undefined) return due
      if (!told.has(message)) {
        told.add(message)
        const reason = `offset ${offset} of partition ${partition} of ${topic} has no time in it; it counts as not set`
        failed(new MessagingError('INPUT_INVALID', { source: `header ${dueHeader!}`, reason }, { topic }))
      }
    }
    return timestamp < 0 ? 0 : bound(message, timestamp + delayMs)
  }
}

/** When a message in a retry topic is due, by what its header says. */
export function createRetryDueTime(delayMs: number): DueTime {
  const bound = createBound(delayMs)
  return (message) => {
    const due = parseTime(headerOf(message, retryDueHeader) ?? '')
    return bound(message, due ?? Math.max(0, message.timestamp) + delayMs)
  }
}

/** The clock of whoever sent a message may be ahead: that must not hold a partition for longer than was asked for. */
function createBound(longestMs: number): (message: ConsumedMessage, due: number) => number {
  const cut = new WeakMap<ConsumedMessage, number>()
  return (message, due) => {
    const known = cut.get(message)
    if (known !== undefined) return known
    const latest = Date.now() + longestMs
    if (due <= latest) return due
    cut.set(message, latest)
    return latest
  }
}

function headerOf({ headers }: ConsumedMessage, name: string): string | undefined {
  return headers?.findLast(([known]) => known === name)?.[1].toString()
}

/** Milliseconds since 1970, or a date and time as in ISO 8601. */
function parseTime(text: string): number | undefined {
  const time = /^\d{1,16}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
