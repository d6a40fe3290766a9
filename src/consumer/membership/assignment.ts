import {
  nameOf,
  type CommittedPosition,
  type DriverConsumer,
  type TopicPartition,
} from '../../driver/driver-consumer.ts'
import type { ActiveConsumer } from '../active-consumer.ts'
import type { BufferBudget } from '../partition/buffer-budget.ts'
import { Committer } from './committer.ts'
import { planOf } from './group-partitions.ts'
import { PartitionWork, type PartitionHost } from '../partition/partition-work.ts'

export interface AssignmentParts {
  readonly group: string
  readonly consumers: readonly ActiveConsumer[]
  readonly commit: (positions: readonly CommittedPosition[]) => Promise<void>
  /** undefined while there is none. */
  readonly consumer: () => DriverConsumer | undefined
  /** A partition is given up. */
  readonly ended: (work: PartitionWork) => void
  readonly budget: BufferBudget
}

/** The partitions that a member has, each with its work, and the commits of all of them. */
export class Assignment {
  readonly committer: Committer
  /** Whether it was told about its partitions. */
  isKnown = false
  readonly #parts: AssignmentParts
  readonly #works = new Map<string, PartitionWork>()
  #isOver = false

  constructor(parts: AssignmentParts) {
    this.#parts = parts
    // Without a group there is nobody to keep offsets.
    const works = (): Iterable<PartitionWork> => (parts.group === '' ? [] : this.#works.values())
    this.committer = new Committer({ works, commit: parts.commit })
  }

  get works(): readonly PartitionWork[] {
    return [...this.#works.values()]
  }

  find(partition: TopicPartition): PartitionWork | undefined {
    return this.#works.get(nameOf(partition))
  }

  /** @param before what the group has of some of them, where that says more than where they start */
  assigned(partitions: readonly TopicPartition[], before: readonly CommittedPosition[] = []): void {
    this.isKnown = true
    const { group, consumers, consumer: driverConsumer, budget } = this.#parts
    const plans = consumers.map(({ plan }) => plan)
    const host: PartitionHost = {
      commit: () => this.committer.commit(),
      commitsSettled: () => this.committer.settled(),
      consumer: driverConsumer,
      budget,
    }
    for (const { topic, partition } of partitions) {
      const consumer = consumers[plans.indexOf(planOf(plans, topic)!)]
      // Told twice is not assigned twice.
      if (consumer === undefined || this.find({ topic, partition })) continue
      const work = new PartitionWork(topic, partition, consumer, host)
      const left = before.find((position) => position.topic === topic && position.partition === partition)
      if (left) work.progress.resumeAfter(left)
      this.#works.set(nameOf(work), work)
      if (this.#isOver) void work.end(0)
      consumer.ledger.publish('partition.assigned', () => ({ group, topic, partition }))
    }
  }

  /** What runs may end, within the time of its consumer, and what is done is committed. */
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#giveUp(this.#worksOf(partitions))
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.isKnown = false
    const works = this.#worksOf(partitions)
    for (const work of works) work.abort()
    this.#remove(works, true)
  }

  /** Gives up all of it, as `revoked` does. */
  async release(): Promise<void> {
    this.isKnown = false
    await this.#giveUp(this.works)
  }

  /** Ends what runs, at most so long; what is assigned from here on ends at once. Resolves with the number of messages that did not end. */
  async end(timeoutMs: number): Promise<number> {
    this.#isOver = true
    const { works } = this
    await this.#giveUp(works, timeoutMs)
    return works.reduce((sum, work) => sum + work.progress.unfinished, 0)
  }

  /** Aborts what runs. */
  abort(): void {
    for (const work of this.#works.values()) work.abort()
  }

  async #giveUp(works: readonly PartitionWork[], timeoutMs?: number): Promise<void> {
    await Promise.all(works.map((work) => work.end(timeoutMs ?? work.consumer.plan.config.drainTimeoutMs)))
    // A failure has been told by then.
    await this.committer.commit().catch(() => undefined)
    this.#remove(works, false)
  }

  #worksOf(partitions: readonly TopicPartition[]): PartitionWork[] {
    return partitions.map((partition) => this.find(partition)).filter((work) => work !== undefined)
  }

  #remove(works: readonly PartitionWork[], lost: boolean): void {
    const { group, ended } = this.#parts
    for (const work of works) {
      const { topic, partition, consumer } = work
      const { unfinished } = work.progress
      if (this.find(work) !== work) continue
      this.#works.delete(nameOf(work))
      ended(work)
      consumer.ledger.publish('partition.revoked', () => ({ group, topic, partition, lost, unfinished }))
    }
  }
}
