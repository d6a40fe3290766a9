import type { DriverHeader } from '../../driver/driver.ts'
import { nameOfThrown, type Failure } from './failure.ts'
import { saidHeaders } from './forwarder.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { retryPrefix } from './retry-headers.ts'

export interface DeadLetterOrigin {
  readonly manifest: string
  readonly group: string
  readonly failure: Failure
}

const prefix = 'postrider-dead-letter-'

/**
 * Its own headers and where it came from in the first place. What an earlier dead letter or a retry said is left out, so that a message
 * that is sent back again and again does not grow; so is the text of the error, which may hold a payload.
 */
export function deadLetterHeaders(message: IncomingMessage, origin: DeadLetterOrigin): readonly DriverHeader[] {
  const { topic, partition, offset, timestamp } = message.origin
  const { error, thrown } = origin.failure
  return [
    ...message.headers.filter(([name]) => !name.startsWith(prefix) && !name.startsWith(retryPrefix)),
    ...saidHeaders(prefix, {
      topic,
      partition,
      offset,
      timestamp,
      group: origin.group,
      consumer: origin.manifest,
      attempts: message.attempt,
      'error-code': error.code,
      'error-name': nameOfThrown(thrown),
      'failed-at': new Date().toISOString(),
    }),
  ]
}
