import { setTimeout as delay } from 'node:timers/promises'
import type { DriverMessage, Settlement } from '../driver.ts'
import type { Cluster } from './cluster.ts'
import type { MessageExpiry } from './message-expiry.ts'
import type { ProduceVerdicts } from './produce-verdicts.ts'
import type { TopicQueues } from './topic-queues.ts'

export interface TopicLeadersParts {
  readonly cluster: Pick<Cluster, 'metadata' | 'failureOf' | 'failureOfNumber'>
  /** How long a topic may be missing before that is final: brokers do not learn of a new one all at once. */
  readonly topicPropagationMs: number
  readonly topics: Map<string, TopicQueues>
  readonly expiry: MessageExpiry
  readonly verdicts: ProduceVerdicts
  readonly place: (topic: TopicQueues, message: DriverMessage, settlement: Settlement, createdAtMs: number) => void
}

const retryAfterMs = 100
const unknownTopic = 3
/** What no waiting cures. */
const final: ReadonlySet<string> = new Set(['AUTHORIZATION_DENIED', 'TOPIC_INVALID', 'BROKER_REJECTED'])
/** For a topic that comes into being by its first message, as soon as enough brokers are up. */
const invalidReplicationFactor = 38

/** Asks who leads the partitions of topics, and keeps the messages that wait for it. */
export class TopicLeaders {
  readonly #parts: TopicLeadersParts
  #isClosed = false

  constructor(parts: TopicLeadersParts) {
    this.#parts = parts
  }

  close(): void {
    this.#isClosed = true
  }

  /** For a topic that is not known yet, or a partition that may have been added. */
  wait(topic: TopicQueues, message: DriverMessage, settlement: Settlement, createdAtMs: number): void {
    // The value may lie in a buffer that the next send overwrites.
    const kept = message.value ? { ...message, value: Buffer.from(message.value) } : message
    topic.waiting.push({ message: kept, settlement, createdAtMs })
    void this.refresh(topic)
  }

  /** Asks for the leaders of a topic, again and again while messages wait for it. Never rejects. */
  refresh(topic: TopicQueues): Promise<void> {
    return (topic.refreshing ??= this.#askFor(topic).finally(() => {
      topic.refreshing = undefined
      if (topic.waiting.length > 0 && !this.#isClosed) void this.refresh(topic)
    }))
  }

  async #askFor(topic: TopicQueues): Promise<void> {
    const tooSoonMs = topic.refreshedAtMs + retryAfterMs - performance.now()
    if (tooSoonMs > 0) await delay(tooSoonMs, undefined, { ref: false })
    topic.refreshedAtMs = performance.now()
    try {
      const found = (await this.#parts.cluster.metadata([topic.name])).get(topic.name)
      if (!found || this.#isClosed) return
      const { errorCode, leaders } = found
      topic.missingSinceMs = errorCode === unknownTopic ? (topic.missingSinceMs ?? topic.refreshedAtMs) : undefined
      const isMissing =
        topic.missingSinceMs !== undefined && performance.now() - topic.missingSinceMs >= this.#parts.topicPropagationMs
      if (isMissing || this.#isFinal(errorCode)) return this.#failTopic(topic, errorCode)
      if (leaders.length === 0) return
      topic.leaders = leaders
      this.#placeWaiting(topic)
    } catch (error) {
      // Nothing is lost yet: the messages wait until they are due.
      const failure = this.#parts.cluster.failureOf(error)
      for (const queue of topic.queues) if (queue) queue.trouble = failure
    }
  }

  #placeWaiting(topic: TopicQueues): void {
    const waiting = topic.waiting
    topic.waiting = []
    for (const { message, settlement, createdAtMs } of waiting) {
      if (message.partition < topic.leaders.length) {
        this.#parts.place(topic, message, settlement, createdAtMs)
        continue
      }
      const reason = `${topic.name} has ${topic.leaders.length} partitions`
      this.#parts.expiry.fail(
        settlement,
        { code: 'PARTITION_NOT_FOUND', reason, outcome: 'not_sent' },
        message.partition,
      )
    }
  }

  #isFinal(errorCode: number): boolean {
    if (errorCode === 0 || errorCode === invalidReplicationFactor) return false
    return final.has(this.#parts.cluster.failureOfNumber(errorCode).code)
  }

  #failTopic(topic: TopicQueues, errorCode: number): void {
    const failure = this.#parts.cluster.failureOfNumber(errorCode, topic.name)
    // So that the next message asks anew.
    topic.leaders = []
    topic.missingSinceMs = undefined
    if (topic.queues.length === 0) this.#parts.topics.delete(topic.name)
    const waiting = topic.waiting
    topic.waiting = []
    for (const { message, settlement } of waiting)
      this.#parts.expiry.fail(settlement, { ...failure, outcome: 'not_sent' }, message.partition)
    for (const queue of topic.queues)
      while (queue?.first && !queue.isOnTheWire) this.#parts.verdicts.refuse(queue, failure)
  }
}
