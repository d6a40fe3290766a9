import type { DriverFailure } from '../driver.ts'
import type { Cluster } from './cluster.ts'

export interface SubscriptionParts {
  readonly cluster: Pick<Cluster, 'metadata' | 'failureOf' | 'failureOfNumber'>
  readonly topics: readonly (string | RegExp)[]
  /** Other topics match, or one that is watched has another number of partitions. */
  readonly changed: () => void
  readonly fail: (failure: DriverFailure) => void
}

/** Topics of Kafka’s own, which a pattern never means. */
const internalTopics = /^__(consumer_offsets|transaction_state|share_group_state|cluster_metadata)$/
const lookEveryMs = 30_000
/** While a topic that is named is not there. */
const lookSoonMs = 1000
const unknownTopic = 3

/** The topics that names and patterns mean, looked at again and again. */
export class Subscription {
  /** In order. */
  topics: readonly string[] = []
  readonly #parts: SubscriptionParts
  readonly #names: readonly string[]
  readonly #patterns: readonly RegExp[]
  /** Told of already. */
  readonly #troubled = new Set<string>()
  #watched: ReadonlyMap<string, number> = new Map()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
    this.#names = parts.topics.filter((topic) => typeof topic === 'string')
    this.#patterns = parts.topics.filter((topic) => typeof topic !== 'string')
  }

  /** @throws LibraryError */
  async start(): Promise<void> {
    try {
      await this.#look()
    } finally {
      this.#lookAgain()
    }
  }

  /** Whose number of partitions decides who gets what; only the leader of a group needs to know. */
  watch(partitionCounts: ReadonlyMap<string, number>): void {
    this.#watched = partitionCounts
    this.#lookAgain()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #lookAgain(): void {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    const isMissing = [...this.#watched.values()].includes(0)
    this.#timer = setTimeout(
      () => {
        // The next look may succeed; what is wrong with the connection is told by it.
        void this.#look()
          .catch(() => undefined)
          .then(() => this.#lookAgain())
      },
      isMissing ? lookSoonMs : lookEveryMs,
    )
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const { cluster, changed } = this.#parts
    const asked = this.#patterns.length > 0 ? 'all' : [...new Set([...this.#names, ...this.#watched.keys()])]
    const found = await cluster.metadata(asked)
    if (this.#isClosed) return
    for (const name of this.#names) this.#tellTrouble(name, found.get(name)?.errorCode ?? unknownTopic)
    const matching = [...found.keys()].filter(
      (name) => !internalTopics.test(name) && this.#patterns.some((pattern) => name.search(pattern) !== -1),
    )
    const topics = [...new Set([...this.#names, ...matching])].toSorted()
    const isOther = topics.join(',') !== this.topics.join(',')
    this.topics = topics
    const isParted = [...this.#watched].some(([name, count]) => count !== (found.get(name)?.leaders.length ?? 0))
    if (isOther || isParted) changed()
  }

  #tellTrouble(topic: string, errorCode: number): void {
    if (errorCode === 0) this.#troubled.delete(topic)
    else if (!this.#troubled.has(topic)) {
      this.#troubled.add(topic)
      this.#parts.fail(this.#parts.cluster.failureOfNumber(errorCode, topic))
    }
  }
}
