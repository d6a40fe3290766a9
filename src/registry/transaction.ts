import type { Client } from '../driver/client.ts'
import type { ConsumerOffset } from '../driver/driver.ts'
import { isMessagingError, MessagingError, type BatchFailure } from '../errors/messaging-error.ts'
import type { DeliveryReport } from '../factory/delivery-report.ts'
import type { MessageKey, ProducerManifestClass } from '../factory/producer-manifest.ts'
import type { SendManyOptions, SendOptions } from '../factory/send-options.ts'
import type { ClientTransaction } from '../factory/transaction.ts'
import type { MessageSender } from './message-sender.ts'

/** One transaction from its begin to its end: what was sent in it, and how that went. */
export class OpenTransaction implements ClientTransaction {
  readonly client: Client
  readonly failures: BatchFailure[] = []
  sends = 0
  readonly #sender: MessageSender
  readonly #sendOffsets: (offsets: readonly ConsumerOffset[], consumer: unknown) => Promise<void>
  #state: 'open' | 'ended' | 'aborted' = 'open'
  #pending = 0
  #onSettled: (() => void) | undefined

  constructor(
    client: Client,
    sender: MessageSender,
    sendOffsets: (offsets: readonly ConsumerOffset[], consumer: unknown) => Promise<void>,
  ) {
    this.client = client
    this.#sender = sender
    this.#sendOffsets = sendOffsets
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  send(Manifest: ProducerManifestClass, payload: unknown, options?: SendOptions): Promise<DeliveryReport> {
    return this.#track(() => this.#sender.send(Manifest, payload, options))
  }

  sendMany(
    Manifest: ProducerManifestClass,
    payloads: readonly unknown[],
    options?: SendManyOptions,
  ): Promise<readonly DeliveryReport[]> {
    return this.#track(() => this.#sender.sendMany(Manifest, payloads, options))
  }

  tombstone(Manifest: ProducerManifestClass, key: MessageKey, options?: SendOptions): Promise<DeliveryReport> {
    return this.#track(() => this.#sender.tombstone(Manifest, key, options))
  }

  sendOffsets(offsets: readonly ConsumerOffset[], consumer: unknown): Promise<void> {
    return this.#track(() => this.#sendOffsets(offsets, consumer))
  }

  /** No more can be sent; resolves when all that was sent has settled. */
  end(): Promise<void> {
    if (this.#state === 'open') this.#state = 'ended'
    return new Promise((resolve) => {
      if (this.#pending === 0) resolve()
      else this.#onSettled = resolve
    })
  }

  /** From here on what is still under way fails as part of an aborted transaction. */
  abort(): void {
    this.#state = 'aborted'
  }

  /** Whoever sends may leave the promise alone: the transaction tells of a failure. */
  #track<Result>(start: () => Promise<Result>): Promise<Result> {
    if (this.#state !== 'open') {
      const reason = 'it has ended; send only before the function given to transaction() is done'
      const refused = Promise.reject<Result>(
        new MessagingError('TRANSACTION_INVALID', { reason }, { outcome: 'not_sent' }),
      )
      // An aborted transaction has told already that nothing of it is sent; its function may not have noticed yet.
      if (this.#state === 'aborted') refused.catch(() => undefined)
      return refused
    }
    const index = this.sends++
    this.#pending++
    const sent = start().catch((error: unknown) => {
      throw this.#state === 'aborted' ? abortedWith(error) : error
    })
    sent.then(
      () => this.#settle(),
      (error: unknown) => {
        this.failures.push({ index, error: error as MessagingError })
        this.#settle()
      },
    )
    return sent
  }

  #settle(): void {
    if (--this.#pending === 0) this.#onSettled?.()
  }
}

function abortedWith(error: unknown): MessagingError {
  const { manifest, topic } = isMessagingError(error) ? error : { manifest: undefined, topic: undefined }
  const reason = 'the message was still under way'
  return new MessagingError('TRANSACTION_ABORTED', { reason }, { manifest, topic, cause: error })
}
