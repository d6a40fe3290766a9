import { nameOf, type DriverConsumer, type StartPosition, type TopicPartition } from '../../driver/driver-consumer.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ConsumerPlan } from '../../factory/create-consumer-plan.ts'
import type { PartitionSource } from './partition-source.ts'
import type { PartitionWork } from '../partition/partition-work.ts'
import { startOffset } from './start-offset.ts'

type DirectConsumer = Pick<DriverConsumer, 'partitionCount' | 'committed' | 'watermarks' | 'assign'>

/** The partitions that one consumer reads without joining a group, and where each goes on when another client takes over. */
export class DirectPartitions implements PartitionSource {
  readonly #plan: ConsumerPlan
  readonly #startedAt = Date.now()
  readonly #positions = new Map<string, number>()

  constructor(plan: ConsumerPlan) {
    this.#plan = plan
  }

  /** @throws PARTITION_NOT_FOUND, TOPIC_NOT_FOUND and what the driver throws */
  async begin(consumer: DirectConsumer): Promise<readonly TopicPartition[]> {
    const partitions = await this.#list(consumer)
    await consumer.assign(await this.#start(partitions, consumer))
    return partitions
  }

  place(): Promise<void> {
    return Promise.resolve()
  }

  ended({ topic, partition, progress }: Pick<PartitionWork, 'topic' | 'partition' | 'progress'>): void {
    const { position } = progress
    if (position !== undefined) this.#positions.set(nameOf({ topic, partition }), position)
  }

  async #list(consumer: DirectConsumer): Promise<TopicPartition[]> {
    const partitions: TopicPartition[] = []
    for (const [topic, named] of this.#plan.partitions!) {
      const count = await consumer.partitionCount(topic)
      const numbers = named === 'all' ? Array.from({ length: count }, (_, partition) => partition) : named
      const missing = numbers.find((partition) => partition >= count)
      if (missing !== undefined) {
        const reason = `${topic} has ${count} partitions, and ${this.#plan.name} names ${missing}`
        throw new MessagingError('PARTITION_NOT_FOUND', { reason }, { manifest: this.#plan.name, topic })
      }
      partitions.push(...numbers.map((partition) => ({ topic, partition })))
    }
    return partitions
  }

  async #start(partitions: readonly TopicPartition[], consumer: DirectConsumer): Promise<StartPosition[]> {
    const { group, config } = this.#plan
    const unknown = partitions.filter((partition) => !this.#positions.has(nameOf(partition)))
    const known = group === '' || unknown.length === 0 ? [] : await consumer.committed(unknown)
    const committed = new Map(known.map((position) => [nameOf(position), position.offset]))
    const positions: StartPosition[] = []
    for (const { topic, partition } of partitions) {
      const key = nameOf({ topic, partition })
      const offsetOfGroup = committed.get(key) ?? -1
      const start = startOffset(config.startFrom, partition, this.#startedAt)
      const counts = start !== undefined && (config.startPolicy === 'always' || offsetOfGroup < 0)
      let offset = this.#positions.get(key) ?? (counts ? start : offsetOfGroup < 0 ? 'earliest' : offsetOfGroup)
      if (offset === 'latest') {
        // The end moves on: a client that takes over must not leave out what came since.
        offset = (await consumer.watermarks({ topic, partition })).high
        this.#positions.set(key, offset)
      }
      positions.push({ topic, partition, offset })
    }
    return positions
  }
}
