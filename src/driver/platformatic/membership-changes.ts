import { nameOf, type DriverConsumerListener, type TopicPartition } from '../driver-consumer.ts'

type Kind = 'assigned' | 'revoked' | 'lost'

interface Change {
  readonly kind: Kind
  readonly partitions: readonly TopicPartition[]
  readonly done: PromiseWithResolvers<void>
}

export interface MembershipChangesParts {
  readonly listener: DriverConsumerListener
  /** They can be read from now on, and where they start can still be said. */
  readonly take: (partitions: readonly TopicPartition[]) => void
  /** Nobody has said where they start, if nobody has by now. */
  readonly begin: (partitions: readonly TopicPartition[]) => void
  readonly giveUp: (partitions: readonly TopicPartition[]) => void
  /** There is something to tell. */
  readonly arrived: () => void
}

/** What happened to the membership, told to the listener in order, while somebody polls. */
export class MembershipChanges {
  readonly #parts: MembershipChangesParts
  #waiting: Change[] = []
  readonly #underWay = new Set<Change>()
  readonly #closed = Promise.withResolvers<void>()
  #isClosed = false

  constructor(parts: MembershipChangesParts) {
    this.#parts = parts
  }

  /** Resolves when it is carried out, or nothing any more. */
  async add(kind: Kind, partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#isClosed) return
    const change = { kind, partitions, done: Promise.withResolvers<void>() }
    this.#waiting.push(change)
    this.#parts.arrived()
    await change.done.promise
  }

  /** All that the member has belongs to others. What was not told yet needs not be. */
  lose(owned: readonly TopicPartition[]): void {
    const underWay = [...this.#underWay]
    for (const { done } of [...this.#waiting, ...underWay]) done.resolve()
    this.#waiting = []
    const revoked = underWay.filter(({ kind }) => kind === 'revoked').flatMap(({ partitions }) => partitions)
    const beingRevoked = new Set(revoked.map(nameOf))
    const lost = owned.filter((partition) => !beingRevoked.has(nameOf(partition)))
    this.#parts.giveUp(owned)
    if (lost.length > 0) void this.add('lost', lost)
  }

  /** Tells what there is; what the listener does about it is awaited. Rejects with what it throws. */
  async tell(): Promise<void> {
    for (let change = this.#waiting.shift(); change && !this.#isClosed; change = this.#waiting.shift()) {
      const { kind, partitions, done } = change
      this.#underWay.add(change)
      try {
        if (kind === 'assigned') this.#parts.take(partitions)
        await Promise.race([this.#parts.listener[kind](partitions), this.#closed.promise])
      } finally {
        this.#underWay.delete(change)
        if (kind === 'assigned') this.#parts.begin(partitions)
        if (kind === 'revoked') this.#parts.giveUp(partitions)
        done.resolve()
      }
    }
  }

  close(): void {
    this.#isClosed = true
    this.#closed.resolve()
    for (const { done } of this.#waiting) done.resolve()
    this.#waiting = []
  }
}
