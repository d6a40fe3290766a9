import { nameOf, type DriverConsumerListener, type TopicPartition } from '../driver-consumer.ts'
import type { DriverFailure } from '../driver.ts'
import type { NativeConsumer, NativeError, NativePartition, NativePosition } from './native-module.ts'

/** A change of the membership, from when librdkafka tells it until it is carried out; librdkafka waits for that. */
interface Change {
  readonly kind: 'assigned' | 'revoked' | 'lost'
  readonly partitions: readonly TopicPartition[]
  isCarriedOut: boolean
}

const assignPartitions = -175
const giveUpAgainMs = 5

export interface MembershipParts {
  readonly consumer: NativeConsumer
  readonly listener: Pick<DriverConsumerListener, Change['kind']>
  /** Where some of these start, as far as that is to be said; never rejects. */
  readonly findStarts: (partitions: readonly TopicPartition[]) => Promise<readonly NativePosition[]>
  /** There is a change to follow. */
  readonly onChange: () => void
  /** Nothing of this partition is wanted any more. */
  readonly onGone: (name: string) => void
  readonly onFailure: (failure: DriverFailure) => void
}

/** Which partitions a consumer has, which of them are paused, and the changes of both that librdkafka waits for. */
export class Membership {
  readonly #parts: MembershipParts
  readonly #owned = new Map<string, TopicPartition>()
  readonly #paused = new Set<string>()
  /** Those that a listener is just told of, and where they will start. */
  #starting: Map<string, NativePosition> | undefined
  readonly #changes: Change[] = []
  #isIncremental = true
  #knowsItsShare = false
  readonly #closing = Promise.withResolvers<void>()
  #isClosing = false
  #isReleased = false

  constructor(parts: MembershipParts) {
    this.#parts = parts
  }

  /** Something is to be followed. */
  get hasChanged(): boolean {
    return this.#changes.length > 0
  }

  has(name: string): boolean {
    return this.#owned.has(name)
  }

  isPaused(name: string): boolean {
    return this.#paused.has(name)
  }

  /** These, and no others, were chosen by hand. */
  replace(partitions: readonly TopicPartition[]): void {
    this.#forget([...this.#owned.values()])
    for (const { topic, partition } of partitions) this.#owned.set(nameOf({ topic, partition }), { topic, partition })
  }

  pause(partitions: readonly TopicPartition[]): void {
    const owned = partitions.filter((partition) => this.#owned.has(nameOf(partition)))
    for (const partition of owned) this.#paused.add(nameOf(partition))
    const started = this.#started(owned)
    if (started.length > 0) this.#parts.consumer.pause(started)
  }

  resume(partitions: readonly TopicPartition[]): void {
    const started = this.#started(partitions.filter((partition) => this.#paused.delete(nameOf(partition))))
    if (started.length > 0) this.#parts.consumer.resume(started)
  }

  /** Where a partition will start that a listener is just told of; false for others. */
  startAt(position: NativePosition): boolean {
    const isStarting = this.#starting?.has(nameOf(position)) === true
    if (isStarting) this.#starting!.set(nameOf(position), position)
    return isStarting
  }

  /** What librdkafka tells. */
  rebalanced(event: NativeError | undefined, partitions: readonly NativePartition[]): void {
    const { consumer, onChange } = this.#parts
    const protocol = consumer.rebalanceProtocol()
    // It is not known any more while the consumer closes.
    if (protocol !== 'NONE') this.#isIncremental = protocol === 'COOPERATIVE'
    const isAssigned = event?.code === assignPartitions
    const change: Change = {
      kind: isAssigned ? 'assigned' : !this.#isClosing && consumer.assignmentLost() ? 'lost' : 'revoked',
      partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
      isCarriedOut: false,
    }
    this.#changes.push(change)
    if (this.#isClosing) this.#carryOut(change)
    else onChange()
  }

  /** Tells the listener of what has changed, then librdkafka that it may go on. */
  async follow(): Promise<void> {
    for (let change = this.#changes[0]; change && !this.#isClosing; change = this.#changes[0]) {
      try {
        await Promise.race([this.#tell(change), this.#closing.promise])
      } finally {
        this.#carryOut(change)
        this.#changes.shift()
      }
    }
  }

  /** Nobody waits for a listener any more. */
  close(): void {
    this.#isClosing = true
    this.#closing.resolve()
  }

  /** Carries out what is left. */
  finish(): void {
    for (const change of this.#changes) this.#carryOut(change)
  }

  /** The native consumer is gone. */
  released(): void {
    this.#isReleased = true
  }

  async #tell({ kind, partitions }: Change): Promise<void> {
    if (kind === 'assigned') {
      this.#starting = new Map(partitions.map((partition) => [nameOf(partition), partition]))
      for (const partition of partitions) this.#owned.set(nameOf(partition), partition)
    } else if (kind === 'lost') this.#forget(partitions)
    // Rebalances that change nothing for this member come without partitions; of the first one it hears all the same.
    const isFirst = kind === 'assigned' && !this.#knowsItsShare
    this.#knowsItsShare = kind !== 'lost' && (this.#knowsItsShare || isFirst)
    if (partitions.length > 0 || isFirst) await this.#parts.listener[kind](partitions)
    if (kind === 'assigned') await this.#findStarts()
  }

  /** Of those that the listener has put nowhere. */
  async #findStarts(): Promise<void> {
    const isOpen = ({ offset }: NativePosition): boolean => offset === undefined
    const open = [...(this.#starting?.values() ?? [])].filter(isOpen)
    const found = open.length === 0 ? [] : await this.#parts.findStarts(open)
    for (const position of found) {
      // A seek may have come in between.
      const current = this.#starting?.get(nameOf(position))
      if (current && isOpen(current)) this.startAt(position)
    }
  }

  #carryOut(change: Change): void {
    if (change.isCarriedOut) return
    change.isCarriedOut = true
    const { consumer, onFailure } = this.#parts
    const { kind, partitions } = change
    const positions = [...(this.#starting?.values() ?? partitions)]
    this.#starting = undefined
    try {
      if (kind === 'assigned') {
        if (this.#isIncremental) consumer.incrementalAssign(positions)
        else consumer.assign(positions)
        const paused = partitions.filter((partition) => this.#paused.has(nameOf(partition)))
        if (paused.length > 0) consumer.pause(paused)
        return
      }
      this.#forget(partitions)
      if (this.#isIncremental) consumer.incrementalUnassign(partitions)
      else consumer.unassign()
    } catch (error) {
      if (this.#isClosing) this.#giveUpAll()
      // librdkafka has moved on: the group is closed, or fatal.
      else onFailure({ code: 'GROUP_REJOIN_REQUIRED', reason: (error as Error).message })
    }
  }

  /**
   * While it closes the binding assigns nothing, and librdkafka waits for an answer to what it has assigned, for ever. Once it knows
   * that it closes it takes this for one.
   */
  #giveUpAll(): void {
    if (this.#isReleased) return
    try {
      this.#parts.consumer.unassign()
    } catch {
      setTimeout(() => this.#giveUpAll(), giveUpAgainMs)
    }
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const name = nameOf(partition)
      this.#owned.delete(name)
      this.#paused.delete(name)
      this.#parts.onGone(name)
    }
  }

  /** Those that librdkafka reads; for the others it is kept in mind until they start. */
  #started(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions.filter((partition) => !this.#starting?.has(nameOf(partition)))
  }
}
