import type { TopicPartition } from '../driver-consumer.ts'
import type { Cluster } from './cluster.ts'

interface PartitionsById {
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** Topics by the ids that brokers give them (KIP-516). */
export class TopicIds {
  readonly #cluster: Pick<Cluster, 'metadata'>
  readonly #names = new Map<string, string>()
  readonly #ids = new Map<string, string>()

  constructor(cluster: Pick<Cluster, 'metadata'>) {
    this.#cluster = cluster
  }

  /** @throws LibraryError */
  async toRequest(partitions: readonly TopicPartition[]): Promise<readonly PartitionsById[]> {
    const topics = Map.groupBy(partitions, ({ topic }) => topic)
    await this.#learn([...topics.keys()].filter((topic) => !this.#ids.has(topic)))
    return Array.from(topics, ([topic, of]) => ({
      topicId: this.#ids.get(topic) ?? '',
      partitions: of.map(({ partition }) => partition),
    })).filter(({ topicId }) => topicId !== '')
  }

  /** Those of topics that nobody knows by name yet are left out; `topics` are those that they can be. @throws LibraryError */
  async toPartitions(
    assigned: readonly PartitionsById[],
    topics: readonly string[],
  ): Promise<readonly TopicPartition[]> {
    if (assigned.some(({ topicId }) => !this.#names.has(topicId))) await this.#learn(topics)
    return assigned.flatMap(({ topicId, partitions }) => {
      const topic = this.#names.get(topicId)
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }))
    })
  }

  async #learn(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return
    for (const [topic, { topicId }] of await this.#cluster.metadata(topics)) {
      if (topicId === undefined) continue
      this.#names.set(topicId, topic)
      this.#ids.set(topic, topicId)
    }
  }
}
