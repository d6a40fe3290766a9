import type { ConsumerOffset, DriverFailure, DriverTransactions } from '../driver.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import type { MemoryRecord, MemoryTopics } from './memory-topics.ts'

/** Transactions of one client of the memory driver. Offsets of consumers of another kind are accepted and kept nowhere. */
export class MemoryTransactions implements DriverTransactions {
  /** Stored in the open transaction. */
  records: MemoryRecord[] = []
  /** Settle the offsets of consumers that are part of it. */
  #offsets: ((isCommitted: boolean) => void)[] = []
  readonly #topics: MemoryTopics
  #state: 'idle' | 'open' | 'fenced' = 'idle'

  constructor(topics: MemoryTopics) {
    this.#topics = topics
  }

  /** Why a message cannot be stored now; undefined in a transaction. */
  refusal(): DriverFailure | undefined {
    return this.#expect('open')
  }

  begin(): Promise<DriverFailure | undefined> {
    return this.#change('idle', 'open')
  }

  commit(): Promise<DriverFailure | undefined> {
    return this.#end(true)
  }

  abort(): Promise<DriverFailure | undefined> {
    return this.#end(false)
  }

  sendOffsets(offsets: readonly ConsumerOffset[], consumer: unknown): Promise<DriverFailure | undefined> {
    const failure = this.#expect('open') ?? (consumer instanceof MemoryConsumer ? consumer.refusal(offsets) : undefined)
    if (!failure && consumer instanceof MemoryConsumer) this.#offsets.push(consumer.pend(offsets))
    return Promise.resolve(failure)
  }

  /** A newer client took the identity over, which ends what this one left behind. */
  fence(): void {
    if (this.#state === 'open') this.#settle(false)
    this.#state = 'fenced'
  }

  #settle(isCommitted: boolean): void {
    for (const settle of this.#offsets) settle(isCommitted)
    this.#topics.settle(this.records, isCommitted)
  }

  #end(isCommitted: boolean): Promise<DriverFailure | undefined> {
    if (this.#state === 'open') this.#settle(isCommitted)
    return this.#change('open', 'idle')
  }

  #change(from: 'idle' | 'open', to: 'idle' | 'open'): Promise<DriverFailure | undefined> {
    const failure = this.#expect(from)
    if (failure === undefined) {
      this.#state = to
      this.records = []
      this.#offsets = []
    }
    return Promise.resolve(failure)
  }

  #expect(state: 'idle' | 'open'): DriverFailure | undefined {
    if (this.#state === state) return undefined
    if (this.#state === 'fenced')
      return { code: 'PRODUCER_FENCED', reason: 'a newer client has the same transactional id', fatal: true }
    return { code: 'TRANSACTION_INVALID', reason: state === 'open' ? 'none is open' : 'one is open' }
  }
}
