import { AsyncLocalStorage } from 'node:async_hooks'
import { MessagingError } from '../errors/messaging-error.ts'
import type { Producer } from '../factory/producer.ts'
import { createAbortError } from '../factory/send-deadline.ts'
import { Backoff } from './backoff.ts'

interface Waiting {
  readonly start: (producer: Producer) => void
  readonly fail: (error: MessagingError) => void
}

/** Sends of one manifest that may wait for its producer to be built. */
const maxWaiting = 100_000

/** The place of one manifest in the registry: its producer once it is built, the sends that wait for it until then. */
export class ProducerEntry {
  producer: Producer | undefined
  readonly name: string
  /** The name of its settings, if they are not those of its manifest. */
  readonly variant: string | undefined
  lastError: MessagingError | undefined
  #waiting: Waiting[] = []
  #building: Promise<void> | undefined
  readonly #backoff = new Backoff()
  readonly #build: () => Promise<Producer>

  /** @param build rejects with a MessagingError, always */
  constructor(name: string, build: () => Promise<Producer>, variant?: string) {
    this.name = name
    this.variant = variant
    this.#build = build
  }

  get building(): Promise<void> | undefined {
    return this.#building
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Runs `start` with the producer, at once or when it is built; `fail` when it cannot be.
   * Concurrent first sends share one build; a failed one is tried again by the next send.
   */
  whenBuilt(start: (producer: Producer) => void, fail: (error: MessagingError) => void, signal?: AbortSignal): void {
    if (this.producer) {
      start(this.producer)
      return
    }
    const manifest = this.name
    if (this.#waiting.length >= maxWaiting) {
      fail(
        new MessagingError(
          'QUEUE_FULL',
          { reason: `${maxWaiting} sends wait for the producer to be built` },
          { manifest },
        ),
      )
      return
    }
    // In its own async context, not in the one of the first send, which the build runs in: a trace begins there.
    const inContext = AsyncLocalStorage.snapshot()
    const waiting: Waiting = { start: (producer) => inContext(start, producer), fail }
    this.#waiting.push(waiting)
    if (signal instanceof AbortSignal) this.#giveUpOnAbort(waiting, signal)
    this.#building ??= this.#run().finally(() => (this.#building = undefined))
  }

  /** The producer is gone; the next send builds another. After failures in quick succession it waits before it does. */
  forget(afterFailure: boolean): void {
    this.producer = undefined
    if (afterFailure) this.#backoff.fail()
  }

  /** Fails the sends that still wait, for a close that cannot wait for the build. */
  giveUp(error: MessagingError): void {
    this.#backoff.cancel()
    for (const { fail } of this.#waiting.splice(0)) fail(error)
  }

  async #run(): Promise<void> {
    let producer: Producer
    try {
      // Before the build takes hold of the configuration, which may be what has to change.
      await this.#backoff.wait()
      // Given up meanwhile, by a close.
      if (this.#waiting.length === 0) return
      producer = await this.#build()
    } catch (error) {
      this.lastError = error as MessagingError
      for (const { fail } of this.#waiting.splice(0)) fail(this.lastError)
      return
    }
    this.lastError = undefined
    // In one synchronous sweep, in the order of the calls: a send made between the end of the build and its turn
    // in a promise queue would otherwise overtake the ones that waited.
    const waiting = this.#waiting.splice(0)
    this.producer = producer
    for (const { start } of waiting) start(producer)
  }

  #giveUpOnAbort(waiting: Waiting, signal: AbortSignal): void {
    const abort = (): void => {
      const index = this.#waiting.indexOf(waiting)
      if (index === -1) return
      this.#waiting.splice(index, 1)
      waiting.fail(createAbortError('SEND_ABORTED', signal, { manifest: this.name }))
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  }
}
