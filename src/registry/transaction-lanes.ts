import type { ClientTransaction, TransactionRunner } from '../factory/transaction.ts'
import type { Transactions } from './transactions.ts'

/**
 * Transactions side by side: each that is open has a client, and so an identity, of its own. The last one that became free is used
 * first, so that there are no more clients than transactions at a time.
 */
export class TransactionLanes implements TransactionRunner {
  readonly #create: (lane: number) => Transactions
  readonly #all: Transactions[] = []
  readonly #free: Transactions[] = []

  constructor(create: (lane: number) => Transactions) {
    this.#create = create
  }

  get isBusy(): boolean {
    return this.#free.length < this.#all.length
  }

  async prepare(lanes = 1): Promise<void> {
    while (this.#all.length < lanes) this.#free.unshift(this.#add())
    await Promise.all(this.#all.map((lane) => lane.prepare()))
  }

  async run(work: (transaction: ClientTransaction) => Promise<void>): Promise<void> {
    const lane = this.#free.pop() ?? this.#add()
    try {
      await lane.run(work)
    } finally {
      this.#free.push(lane)
    }
  }

  async ended(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.ended()))
  }

  async close(): Promise<void> {
    await this.ended()
    for (const lane of this.#free) lane.letGo()
  }

  #add(): Transactions {
    const lane = this.#create(this.#all.length)
    this.#all.push(lane)
    return lane
  }
}
