import type { ProducerOptions } from '../config/fields.ts'
import type { VariantTransaction } from './producer-entries.ts'
import { TransactionLanes } from './transaction-lanes.ts'
import type { Transactions } from './transactions.ts'

/** All transactions of a registry: those that the application asks for, and those of consumers. */
export class TransactionIdentities {
  /** Under the configured identity. */
  readonly configured: Transactions
  readonly #create: (identity: VariantTransaction) => Transactions
  readonly #lanes = new Map<string, TransactionLanes>()

  constructor(create: (identity: VariantTransaction) => Transactions) {
    this.configured = create({})
    this.#create = create
  }

  /** Under identities that begin with this one. */
  of(identity: string, overrides: ProducerOptions = {}): TransactionLanes {
    const key = JSON.stringify([identity, overrides])
    let lanes = this.#lanes.get(key)
    if (!lanes) {
      lanes = new TransactionLanes((lane) => this.#create({ id: `${identity}.${lane}`, overrides }))
      this.#lanes.set(key, lanes)
    }
    return lanes
  }

  /** Whether any is open or waits to be. */
  get isBusy(): boolean {
    return this.configured.isBusy || [...this.#lanes.values()].some(({ isBusy }) => isBusy)
  }

  /** Resolves when all that were asked for have ended. */
  async ended(): Promise<void> {
    await Promise.all([this.configured, ...this.#lanes.values()].map((each) => each.ended()))
  }
}
