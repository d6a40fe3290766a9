import type { DriverFailure, DriverTransactions } from '../driver.ts'

/** Transactions of one client of the memory driver. Offsets of consumers are accepted and kept nowhere. */
export class MemoryTransactions<Stored = unknown> implements DriverTransactions {
  /** Stored in the open transaction. */
  records: Stored[] = []
  readonly #uncommitted: Set<Stored>
  #state: 'idle' | 'open' | 'fenced' = 'idle'

  /** @param uncommitted where the driver keeps what nobody is to see */
  constructor(uncommitted: Set<Stored>) {
    this.#uncommitted = uncommitted
  }

  /** Why a message cannot be stored now; undefined in a transaction. */
  refusal(): DriverFailure | undefined {
    return this.#expect('open')
  }

  begin(): Promise<DriverFailure | undefined> {
    return this.#change('idle', 'open')
  }

  commit(): Promise<DriverFailure | undefined> {
    if (this.#state === 'open') for (const record of this.records) this.#uncommitted.delete(record)
    return this.#change('open', 'idle')
  }

  abort(): Promise<DriverFailure | undefined> {
    return this.#change('open', 'idle')
  }

  sendOffsets(): Promise<DriverFailure | undefined> {
    return Promise.resolve(this.#expect('open'))
  }

  /** A newer client took the identity over. */
  fence(): void {
    this.#state = 'fenced'
  }

  #change(from: 'idle' | 'open', to: 'idle' | 'open'): Promise<DriverFailure | undefined> {
    const failure = this.#expect(from)
    if (failure === undefined) {
      this.#state = to
      this.records = []
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
