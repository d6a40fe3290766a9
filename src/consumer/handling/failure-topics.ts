import { setTimeout as delay } from 'node:timers/promises'
import type { DriverConsumer } from '../../driver/driver-consumer.ts'
import { isMessagingError } from '../../errors/messaging-error.ts'
import type { ConsumerPlan } from '../../factory/create-consumer-plan.ts'
import { createTopic, type TopicConfig } from '../../factory/create-topic.ts'
import type { SharedClient } from '../../factory/shared-parts.ts'

export interface FailureTopicsParts {
  readonly plan: Pick<ConsumerPlan, 'name' | 'manifest' | 'topics' | 'retryTopics' | 'deadLetterTopic'> & {
    readonly config: Pick<ConsumerPlan['config'], 'onFailure' | 'deadLetterTopic'>
  }
  readonly connect: () => Promise<Pick<SharedClient, 'driver'>>
  /** The largest message that is put there. */
  readonly maxMessageBytes: number
  /** How long a topic that was created may stay unknown to the consumer. */
  readonly visibleWithinMs: number
}

/** After the wait of a retry topic: for consumers that are away meanwhile. */
const keptBeyondWaitMs = 7 * 86_400_000
/** A broker counts the framing of a batch and its record, too. */
const framingBytes = 1_024
const askAgainMs = 20

/** Creates the retry topics and dead letter topics of one consumer that are missing. */
export class FailureTopics {
  readonly #parts: FailureTopicsParts
  /** Those that are there, or are being made. */
  readonly #ensured = new Map<string, Promise<void>>()

  constructor(parts: FailureTopicsParts) {
    this.#parts = parts
  }

  /**
   * Creates those that are known by name. What belongs to a topic that is not there itself is left to `ensure`: nobody knows yet how
   * many partitions it needs. The consumer is asked what there is, since the question of a producer may create a topic.
   * @throws AUTHORIZATION_DENIED, TOPIC_INVALID and others, with the manifest
   */
  async prepare(consumer: Pick<DriverConsumer, 'partitionCount'>): Promise<void> {
    try {
      await Promise.all(Array.from(this.#named(), ([name, sources]) => this.#prepare(name, sources, consumer)))
    } catch (error) {
      throw isMessagingError(error) ? error.of(this.#parts.plan.name) : error
    }
  }

  /** Creates one before a message that was read from the topic `from` goes there; asks once, until `forget`. @throws as `prepare` */
  ensure(name: string, from: string): Promise<void> {
    const ensured = this.#ensured.get(name) ?? this.#createLike(name, from)
    this.#ensured.set(name, ensured)
    return ensured
  }

  forget(name: string): void {
    this.#ensured.delete(name)
  }

  /** By name, the topics whose messages go there; none where these come by a pattern. */
  #named(): ReadonlyMap<string, readonly string[]> {
    const { topics, retryTopics, deadLetterTopic, config } = this.#parts.plan
    const sources = topics.filter((topic) => typeof topic === 'string')
    const named = new Map<string, readonly string[]>()
    for (const name of retryTopics.names) {
      const source = retryTopics.find(name)?.source
      named.set(name, source === undefined ? sources : [source])
    }
    if (config.onFailure !== 'dead-letter') return named
    if (!config.deadLetterTopic.includes('{topic}')) return named.set(deadLetterTopic(''), sources)
    for (const source of sources) named.set(deadLetterTopic(source), [source])
    return named
  }

  async #prepare(
    name: string,
    sources: readonly string[],
    consumer: Pick<DriverConsumer, 'partitionCount'>,
  ): Promise<void> {
    if ((await countOf(consumer, name)) === 0) {
      const counts = await Promise.all(sources.map((source) => countOf(consumer, source)))
      const partitions = sources.length === 0 ? undefined : Math.max(...counts)
      if (partitions === 0) return
      await this.#create(name, partitions)
      // Else it would be subscribed to as one that is missing, and looked for again half a minute later.
      const deadline = performance.now() + this.#parts.visibleWithinMs
      while ((await countOf(consumer, name)) === 0 && performance.now() < deadline) await delay(askAgainMs)
    }
    this.#ensured.set(name, Promise.resolve())
  }

  async #createLike(name: string, from: string): Promise<void> {
    const { driver } = await this.#parts.connect()
    await this.#create(name, await driver.partitionCount?.(from))
  }

  async #create(topic: string, partitions: number | undefined): Promise<void> {
    const { plan, connect, maxMessageBytes } = this.#parts
    const { retryTopicConfig = {}, deadLetterTopicConfig = {} } = plan.manifest
    const retryTopic = plan.retryTopics.find(topic)
    const { config, ...given } = retryTopic === undefined ? deadLetterTopicConfig : retryTopicConfig
    const settings: TopicConfig['config'] = {
      // The messages of a key are not versions of one value.
      'cleanup.policy': 'delete',
      'retention.ms': retryTopic === undefined ? -1 : retryTopic.delayMs + keptBeyondWaitMs,
      'max.message.bytes': maxMessageBytes + framingBytes,
      ...config,
    }
    const asked = { manifest: plan.name, topic, askedBy: 'createFailureTopics' } as const
    const { driver } = await connect()
    await createTopic(driver, asked, {
      ...(partitions === undefined ? {} : { partitions }),
      ...given,
      config: settings,
    })
  }
}

/** 0 where it is not there. */
async function countOf(consumer: Pick<DriverConsumer, 'partitionCount'>, topic: string): Promise<number> {
  try {
    return await consumer.partitionCount(topic)
  } catch (error) {
    if (isMessagingError(error, 'TOPIC_NOT_FOUND')) return 0
    throw error
  }
}
