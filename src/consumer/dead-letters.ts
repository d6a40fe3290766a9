import type { Client } from '../driver/client.ts'
import { Delivery } from '../driver/delivery.ts'
import { createDriverError } from '../driver/driver-error.ts'
import type { DriverFailure, DriverHeader } from '../driver/driver.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { headerBytes } from '../factory/message-parts.ts'
import { nameOf, type Failure } from './failure.ts'
import type { IncomingMessage } from './incoming-message.ts'

export interface DeadLetterOrigin {
  readonly manifest: string
  readonly group: string
  readonly failure: Failure
}

const prefix = 'postrider-dead-letter-'
const maxValueLength = 256
/** More than what a dead letter has beside its message. */
export const deadLetterRoomBytes = 65_536

/** Puts messages into dead letter topics. */
export class DeadLetters {
  readonly #connect: () => Promise<Client>

  /** @param connect asked for each of them: a client that died has been replaced by then */
  constructor(connect: () => Promise<Client>) {
    this.#connect = connect
  }

  /**
   * Resolves when the broker has acknowledged it.
   * @param by the client of a transaction, where it is to be part of one
   * @throws DEAD_LETTER_FAILED
   */
  async send(message: IncomingMessage, topic: string, origin: DeadLetterOrigin, by?: Client): Promise<void> {
    try {
      const client = by ?? (await this.#connect())
      const { key, value, timestamp } = message
      const headers = deadLetterHeaders(message, origin)
      const bytes = (key?.length ?? 0) + (value?.length ?? 0) + headerBytes(headers)
      const stored = { topic, key, value, headers, partition: -1, timestamp: Math.max(0, timestamp) }
      await new Promise<void>((resolve, reject) =>
        client.produce(stored, new DeadLetterDelivery(resolve, reject), bytes),
      )
    } catch (error) {
      const reason = isMessagingError(error) ? error.message.replace(/\.$/, '') : nameOf(error)
      const driverCode = isMessagingError(error) ? error.driverCode : undefined
      const context = { manifest: origin.manifest, topic, driverCode, cause: error }
      throw new MessagingError('DEAD_LETTER_FAILED', { topic, reason }, context)
    }
  }
}

/**
 * Its own headers and where it came from. What an earlier dead letter said is left out, so that a message that is sent back again
 * and again does not grow; so is the text of the error, which may hold a payload.
 */
export function deadLetterHeaders(message: IncomingMessage, origin: DeadLetterOrigin): readonly DriverHeader[] {
  const { topic, partition, offset, timestamp, attempt } = message
  const { error, thrown } = origin.failure
  const said = {
    topic,
    partition,
    offset,
    timestamp,
    group: origin.group,
    consumer: origin.manifest,
    attempts: attempt,
    'error-code': error.code,
    'error-name': nameOf(thrown),
    'failed-at': new Date().toISOString(),
  }
  return [
    ...message.headers.filter(([name]) => !name.startsWith(prefix)),
    ...Object.entries(said).map(([name, value]): DriverHeader => [
      `${prefix}${name}`,
      Buffer.from(String(value).slice(0, maxValueLength)),
    ]),
  ]
}

class DeadLetterDelivery extends Delivery {
  readonly #resolve: () => void
  readonly #reject: (error: MessagingError) => void

  constructor(resolve: () => void, reject: (error: MessagingError) => void) {
    super()
    this.#resolve = resolve
    this.#reject = reject
  }

  protected complete(failure: DriverFailure | null): void {
    if (failure === null) this.#resolve()
    else this.#reject(createDriverError(failure))
  }
}
