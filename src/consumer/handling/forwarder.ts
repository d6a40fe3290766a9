import type { Client } from '../../driver/client.ts'
import { Delivery } from '../../driver/delivery.ts'
import { createDriverError } from '../../driver/driver-error.ts'
import type { DriverFailure, DriverHeader } from '../../driver/driver.ts'
import { isMessagingError, MessagingError } from '../../errors/messaging-error.ts'
import { headerBytes } from '../../factory/message-parts.ts'
import type { SharedClient } from '../../factory/shared-parts.ts'
import { reasonOf } from './failure.ts'
import type { FailureTopics } from './failure-topics.ts'
import type { IncomingMessage } from './incoming-message.ts'

/** More than what a forwarded message has beside the one that came. */
export const forwardingRoomBytes = 65_536
const maxValueLength = 256

/** Puts messages that came, with their bytes and key, into other topics. */
export class Forwarder {
  readonly #connect: () => Promise<Pick<SharedClient, 'client'>>
  readonly #topics: Pick<FailureTopics, 'ensure' | 'forget'> | undefined

  /**
   * @param connect asked for each message: a client that died has been replaced by then
   * @param topics creates those that are missing, where that is wanted
   */
  constructor(connect: () => Promise<Pick<SharedClient, 'client'>>, topics?: Pick<FailureTopics, 'ensure' | 'forget'>) {
    this.#connect = connect
    this.#topics = topics
  }

  /**
   * Resolves when the broker has acknowledged it. The message there is as old as its copy: one of the age of its origin might be deleted at once.
   * @param by the client of a transaction, where it is to be part of one
   * @throws as `failed` says
   */
  async send(
    { key, value, topic: from }: IncomingMessage,
    topic: string,
    headers: readonly DriverHeader[],
    failed: 'DEAD_LETTER_FAILED' | 'RETRY_TOPIC_FAILED',
    by?: Client,
  ): Promise<void> {
    try {
      await this.#topics?.ensure(topic, from)
      const client = by ?? (await this.#connect()).client
      const bytes = (key?.length ?? 0) + (value?.length ?? 0) + headerBytes(headers)
      const stored = { topic, key, value, headers, partition: -1, timestamp: 0 }
      await new Promise<void>((resolve, reject) =>
        client.produce(stored, new ForwardedDelivery(resolve, reject), bytes),
      )
    } catch (error) {
      // It may have been deleted.
      this.#topics?.forget(topic)
      const reason = reasonOf(error)
      const driverCode = isMessagingError(error) ? error.driverCode : undefined
      throw new MessagingError(failed, { topic, reason }, { topic, driverCode, cause: error })
    }
  }
}

/** Headers that say something of a message, each value bounded. */
export function saidHeaders(prefix: string, said: Readonly<Record<string, string | number>>): readonly DriverHeader[] {
  return Object.entries(said).map(([name, value]): DriverHeader => [
    `${prefix}${name}`,
    Buffer.from(String(value).slice(0, maxValueLength)),
  ])
}

class ForwardedDelivery extends Delivery {
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
