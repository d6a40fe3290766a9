import type { BatchContext, ReceivedMessage } from '../factory/consumer-manifest.ts'
import type { Transaction } from '../factory/transaction.ts'
import type { RunningConsumers } from './running-consumers.ts'

/** Messages of one partition, in order. */
export interface PulledBatch<Payload = unknown> {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly ReceivedMessage<Payload>[]
  /** Aborts when the partition is taken away: what is done after it cannot be committed. */
  readonly signal: AbortSignal
  /** All of it is done, or all up to `message`. Resolves when the broker has it. @throws COMMIT_FAILED, AbortError after `signal` */
  commit(message?: ReceivedMessage<Payload>): Promise<void>
  /**
   * As `commit`, but as part of a transaction of `registry.transaction`: committed with what is sent in it, or not at all.
   * @throws GROUP_REJOIN_REQUIRED, AbortError after `signal`; then the transaction has to be given up
   */
  commitIn(transaction: Transaction, message?: ReceivedMessage<Payload>): Promise<void>
}

/** Batches, each when it is asked for. One loop at a time. */
export interface ConsumerStream<Payload = unknown> extends AsyncIterable<PulledBatch<Payload>> {
  [Symbol.asyncIterator](): AsyncIterableIterator<PulledBatch<Payload>>
  /** Ends the loop, and leaves the group. */
  stop(): Promise<void>
}

type HandleBatch<Payload> = (messages: readonly ReceivedMessage<Payload>[], context: BatchContext) => Promise<void>

interface Offered<Payload> {
  readonly batch: PulledBatch<Payload>
  readonly release: () => void
}

/** Turns a consumer, which pushes, into batches that are pulled: its handler waits until the batch after this one is asked for. */
export class BatchStream<Payload> implements ConsumerStream<Payload> {
  readonly #start: (handleBatch: HandleBatch<Payload>) => Promise<RunningConsumers>
  readonly #offered: Offered<Payload>[] = []
  #running: Promise<RunningConsumers> | undefined
  #current: Offered<Payload> | undefined
  #isStopped = false
  #wake: () => void = () => undefined

  constructor(start: (handleBatch: HandleBatch<Payload>) => Promise<RunningConsumers>) {
    this.#start = start
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<PulledBatch<Payload>> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.stop()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#releaseAll()
    this.#wake()
    await (await this.#running?.catch(() => undefined))?.stop()
  }

  async #next(): Promise<IteratorResult<PulledBatch<Payload>>> {
    this.#current?.release()
    this.#current = undefined
    if (this.#isStopped && this.#running === undefined) return { done: true, value: undefined }
    this.#running ??= this.#begin()
    await this.#running
    for (;;) {
      const next = this.#offered.shift()
      if (next) {
        this.#current = next
        return { done: false, value: next.batch }
      }
      if (this.#isStopped) {
        // What ended it is for the caller to know.
        await (
          await this.#running
        ).finished
        return { done: true, value: undefined }
      }
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #begin(): Promise<RunningConsumers> {
    const running = await this.#start((messages, context) => this.#offer(messages, context))
    const ended = (): void => {
      this.#isStopped = true
      this.#wake()
    }
    running.finished.then(ended, ended)
    return running
  }

  #offer(messages: readonly ReceivedMessage<Payload>[], context: BatchContext): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const { topic, partition, signal, ending } = context
    const commit = (message = messages.at(-1)!): Promise<void> => context.commit(message)
    const commitIn = (transaction: Transaction, message = messages.at(-1)!): Promise<void> =>
      context.commit(message, transaction)
    const batch = { topic, partition, messages, signal, commit, commitIn }
    const offered = { batch, release: resolve }
    this.#offered.push(offered)
    const withdraw = (): void => {
      const index = this.#offered.indexOf(offered)
      if (index === -1) return
      this.#offered.splice(index, 1)
      resolve()
    }
    ending.addEventListener('abort', withdraw, { once: true })
    void promise.then(() => ending.removeEventListener('abort', withdraw))
    this.#wake()
    return promise
  }

  #releaseAll(): void {
    this.#current?.release()
    for (const { release } of this.#offered.splice(0)) release()
  }
}
