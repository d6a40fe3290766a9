import type { ConsumerConfig } from '../config/fields.ts'
import type { ConsumedMessage } from '../driver/driver-consumer.ts'
import { MessagingError } from '../errors/messaging-error.ts'

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
  const told = new WeakSet<ConsumedMessage>()
  return (message) => {
    const { headers, timestamp, topic, partition, offset } = message
    const header = dueHeader === undefined ? undefined : headers?.findLast(([name]) => name === dueHeader)?.[1]
    if (header !== undefined) {
      const due = parseTime(header.toString())
      if (due !== undefined) return due
      if (!told.has(message)) {
        told.add(message)
        const reason = `offset ${offset} of partition ${partition} of ${topic} has no time in it; it counts as not set`
        failed(new MessagingError('INPUT_INVALID', { source: `header ${dueHeader!}`, reason }, { topic }))
      }
    }
    if (timestamp < 0) return 0
    // A clock that was ahead when it was sent must not hold the partition for longer than was asked for.
    return Math.min(timestamp, Date.now()) + delayMs
  }
}

/** Milliseconds since 1970, or a date and time as in ISO 8601. */
function parseTime(text: string): number | undefined {
  const time = /^\d{1,16}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
