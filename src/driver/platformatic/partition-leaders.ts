import { nameOf, type TopicPartition } from '../driver-consumer.ts'
import type { DriverFailure } from '../driver.ts'
import type { Cluster, TopicMetadata } from './cluster.ts'

const unknownTopic = 3
const leaderNotAvailable = 5

/** Who leads which partition, as far as the brokers have said. */
export class PartitionLeaders {
  readonly #cluster: Pick<Cluster, 'metadata' | 'failureOfNumber'>
  readonly #topics = new Map<string, TopicMetadata>()

  constructor(cluster: Pick<Cluster, 'metadata' | 'failureOfNumber'>) {
    this.#cluster = cluster
  }

  /** The id of a broker, -1 while there is none or nobody has said. */
  leaderOf({ topic, partition }: TopicPartition): number {
    return this.#topics.get(topic)?.leaders[partition] ?? -1
  }

  /** Why a partition has no leader. */
  failureOf({ topic, partition }: TopicPartition): DriverFailure {
    const { errorCode, leaders } = this.#topics.get(topic) ?? { errorCode: unknownTopic, leaders: [] }
    if (errorCode !== 0) return this.#cluster.failureOfNumber(errorCode, topic)
    if (partition in leaders) return this.#cluster.failureOfNumber(leaderNotAvailable, nameOf({ topic, partition }))
    return { code: 'PARTITION_NOT_FOUND', reason: `${topic} has ${leaders.length} partitions` }
  }

  /** @throws LibraryError */
  async refresh(topics: readonly string[]): Promise<void> {
    const found = await this.#cluster.metadata(topics)
    for (const [topic, metadata] of found) this.#topics.set(topic, metadata)
  }
}
