import type { Logger } from './log-instrument.ts'
import { createWarning } from './warn-once.ts'

/** How much of a message its log line shows; `none` makes no lines. */
export type PayloadPolicy = 'none' | 'key' | 'redacted' | 'full'

/** Logs one message that was handed over. Must not throw into the send. */
export type PayloadLog = (manifest: string, topic: string, key: Buffer | null, payload: unknown) => void

/** Deeper than any payload worth reading; also the end of one that refers to itself. */
const maxDepth = 20

/**
 * Logs keys and payloads as `debug` lines, as the policy allows. Apart from the events, which carry neither,
 * so that no listener can pass on what only a log was meant to show.
 * - `key`: the key as text
 * - `redacted`: the key, and the payload with every value replaced by its type
 * - `full`: both as they are
 * @returns undefined where there is nothing to log: no logger, or the policy `none`
 */
export function createPayloadLog(logger: Logger | undefined, policy: PayloadPolicy): PayloadLog | undefined {
  if (!logger || policy === 'none') return undefined
  // Not the error's text: it may quote what was to be logged.
  const warn = createWarning((error) => `The logger failed with a payload (${(error as Error).name}).`)
  return (manifest, topic, key, payload) => {
    try {
      const shown = policy === 'key' ? {} : { payload: policy === 'full' ? payload : redact(payload) }
      logger.debug({ manifest, topic, key: key?.toString() ?? null, ...shown }, 'A message was handed over.')
    } catch (error) {
      warn(error)
    }
  }
}

/** The shape of a value: names and structure stay, each value becomes its type, and lists their first item and length. */
function redact(value: unknown, depth = 0): unknown {
  if (value === null || value === undefined) return value
  if (value instanceof Uint8Array) return `[bytes: ${value.length}]`
  if (value instanceof Date) return '[date]'
  if (typeof value !== 'object') return `[${typeof value}]`
  if (depth >= maxDepth) return '[…]'
  if (Array.isArray(value)) return value.length === 0 ? [] : [redact(value[0], depth + 1), `[${value.length} in all]`]
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redact(item, depth + 1)]))
}
