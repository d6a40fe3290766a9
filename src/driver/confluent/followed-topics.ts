import type { NativeConsumer, NativeError } from './native-module.ts'
import { toDriverError } from './to-driver-error.ts'

/** What the consumer subscribes to, where patterns are involved. */
export interface TopicSource {
  topicNames(): Promise<readonly string[]>
}

/** Topics of Kafka's own, which a pattern never means. */
const internalTopics = /^__(consumer_offsets|transaction_state|share_group_state|cluster_metadata)$/
/** As often as librdkafka asks for topics. */
const lookEveryMs = 30_000

/**
 * Subscribes to names and patterns. librdkafka has patterns of its own, in another dialect than JavaScript's (POSIX); so names are
 * matched here, and looked at again and again.
 */
export class FollowedTopics {
  readonly #consumer: Pick<NativeConsumer, 'subscribe' | 'unsubscribe'>
  readonly #source: TopicSource
  #topics: readonly (string | RegExp)[] = []
  #subscribed = ''
  #timer: NodeJS.Timeout | undefined

  constructor(consumer: Pick<NativeConsumer, 'subscribe' | 'unsubscribe'>, source: TopicSource) {
    this.#consumer = consumer
    this.#source = source
  }

  /** @throws MessagingError */
  async follow(topics: readonly (string | RegExp)[]): Promise<void> {
    this.close()
    this.#topics = topics
    await this.#look()
    if (topics.every((topic) => typeof topic === 'string')) return
    this.#timer = setInterval(() => {
      // The next look may succeed; what is wrong with the connection is told in the background.
      this.#look().catch(() => undefined)
    }, lookEveryMs)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#topics = []
  }

  async #look(): Promise<void> {
    const topics = this.#topics
    const patterns = topics.filter((topic) => typeof topic !== 'string')
    const names = patterns.length > 0 ? await this.#source.topicNames() : []
    if (topics !== this.#topics) return
    const matching = names.filter(
      (name) => !internalTopics.test(name) && patterns.some((pattern) => name.search(pattern) !== -1),
    )
    const wanted = [...new Set([...topics.filter((topic) => typeof topic === 'string'), ...matching])].toSorted()
    const subscribed = wanted.join(',')
    if (subscribed === this.#subscribed) return
    try {
      if (wanted.length === 0) this.#consumer.unsubscribe()
      else this.#consumer.subscribe(wanted)
    } catch (error) {
      throw toDriverError(error as NativeError)
    }
    this.#subscribed = subscribed
  }
}
