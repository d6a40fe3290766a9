import type { ConsumedMessage } from '../../driver/driver-consumer.ts'
import type { DriverHeader } from '../../driver/driver.ts'
import type { RetryTopic } from '../../factory/retry-topics.ts'
import { nameOfThrown, type Failure } from './failure.ts'
import { saidHeaders } from './forwarder.ts'
import type { EarlierAttempts, IncomingMessage } from './incoming-message.ts'

export const retryPrefix = 'postrider-retry-'
/** When the attempt is due, in milliseconds since 1970. */
export const retryDueHeader = `${retryPrefix}due`

/** What a message in a retry topic has besides its own headers; those of an earlier retry are replaced. */
export function retryHeaders(
  message: IncomingMessage,
  { delayMs }: RetryTopic,
  { error, thrown }: Failure,
): readonly DriverHeader[] {
  const { topic, partition, offset, timestamp } = message.origin
  return [
    ...message.headers.filter(([name]) => !name.startsWith(retryPrefix)),
    ...saidHeaders(retryPrefix, {
      topic,
      partition,
      offset,
      timestamp,
      attempts: message.attempt,
      due: Date.now() + delayMs,
      'error-code': error.code,
      'error-name': nameOfThrown(thrown),
    }),
  ]
}

/**
 * What these headers say of a message that was read from a retry topic. One that has none, or says a topic that its consumer does not
 * read, was put there by somebody else, and is taken as it is.
 * @param reads whether the consumer reads a topic
 */
export function readRetryHeaders(
  message: ConsumedMessage,
  { number }: RetryTopic,
  reads: (topic: string) => boolean,
): EarlierAttempts {
  const said = (name: string): string | undefined =>
    message.headers?.findLast(([known]) => known === `${retryPrefix}${name}`)?.[1].toString()
  const numberOf = (name: string): number => {
    const text = said(name) ?? ''
    return /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  }
  const topic = said('topic')
  const [partition, offset, timestamp] = ['partition', 'offset', 'timestamp'].map(numberOf) as [number, number, number]
  const attempts = numberOf('attempts')
  if (topic === undefined || !reads(topic) || !(partition >= 0 && offset >= 0 && timestamp >= -1 && attempts >= 1)) {
    return { origin: message, attempts: number, later: number }
  }
  return { origin: { topic, partition, offset, timestamp }, attempts, later: number }
}
