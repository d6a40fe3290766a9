import { setTimeout as delay } from 'node:timers/promises'
import type { DriverMessage, DriverOptions, Settlement } from '../driver.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerCounts } from './broker-counts.ts'
import type { Cluster } from './cluster.ts'
import { MessageExpiry } from './message-expiry.ts'
import type { LibraryCompression, PlatformaticModule } from './platformatic-module.ts'
import { ProduceVerdicts, type ProduceAnswer } from './produce-verdicts.ts'
import type { ProducerIdentity, RecordBatch } from './record-batch.ts'
import { TopicLeaders } from './topic-leaders.ts'
import { TopicQueues, type TopicQueue } from './topic-queues.ts'

/** What of the brokers is used. */
export type SenderCluster = Pick<Cluster, 'metadata' | 'identify' | 'failureOf' | 'failureOfNumber'> & {
  connectionTo(nodeId: number): SenderConnection | undefined
  open(nodeId: number): Promise<unknown>
}

export type SenderConnection = Pick<BrokerConnection, 'produce'>

export interface RecordSenderParts {
  readonly library: PlatformaticModule
  readonly cluster: SenderCluster
  readonly options: DriverOptions
  readonly compression: LibraryCompression | undefined
  readonly identity: ProducerIdentity | undefined
  readonly counts: BrokerCounts
  /** How long a topic may be missing before that is final: brokers do not learn of a new one all at once. */
  readonly topicPropagationMs: number
}

/** What a batch needs besides the bytes that `maxMessageBytes` counts. */
const batchOverheadBytes = 1024
const retryAfterMs = 100
const metadataMaxAgeMs = 300_000
/** Of the delivery timeout: how far the messages of one batch may be apart. */
const batchOpenPart = 0.02

/**
 * Gathers messages by partition and sends what there is as soon as a request may go: with none on the wire at once, else
 * together with all that came meanwhile. One request for a partition at a time, maxInFlight for a broker.
 */
export class RecordSender {
  readonly #parts: RecordSenderParts
  readonly #acks: number
  readonly #maxBatchBytes: number
  readonly #batchOpenMs: number
  readonly #topics = new Map<string, TopicQueues>()
  readonly #expiry: MessageExpiry
  readonly #verdicts: ProduceVerdicts
  readonly #leaders: TopicLeaders
  /** Queues with something to send that wait for nothing but their turn. */
  readonly #ready = new Set<TopicQueue>()
  readonly #inFlight = new Map<number, number>()
  #isScheduled = false
  /** What came until then does not linger. */
  #hurriedAtMs = -Infinity
  #isClosed = false
  #linger: NodeJS.Timeout | undefined

  constructor(parts: RecordSenderParts) {
    const { profile } = parts.options
    this.#parts = parts
    this.#acks = profile.acks === 'all' ? -1 : profile.acks
    this.#maxBatchBytes = profile.maxMessageBytes + batchOverheadBytes
    this.#batchOpenMs = profile.deliveryTimeoutMs * batchOpenPart
    const expiry = (this.#expiry = new MessageExpiry(profile.deliveryTimeoutMs, this.#topics))
    const verdicts = (this.#verdicts = new ProduceVerdicts({
      ...parts,
      expiry,
      tryAgain: (queue) => this.#tryAgain(queue),
    }))
    this.#leaders = new TopicLeaders({
      ...parts,
      topics: this.#topics,
      expiry,
      verdicts,
      place: (topic, message, settlement, createdAtMs) => this.#place(topic, message, settlement, createdAtMs),
    })
  }

  produce(message: DriverMessage, settlement: Settlement): void {
    const nowMs = performance.now()
    this.#expiry.countAdded()
    let topic = this.#topics.get(message.topic)
    if (topic === undefined) {
      topic = new TopicQueues(message.topic, this.#parts.options.profile.partitioner)
      this.#topics.set(message.topic, topic)
    }
    if (topic.leaders.length > 0) this.#place(topic, message, settlement, nowMs)
    else this.#leaders.wait(topic, message, settlement, nowMs)
  }

  hurry(): void {
    this.#hurriedAtMs = performance.now()
    this.#schedule()
  }

  /** Messages gathered for a broker and not on the wire. */
  queuedFor(nodeId: number): number {
    let count = 0
    for (const { topic, partition, batches, isOnTheWire } of this.#queues()) {
      if (topic.leaders[partition] !== nodeId) continue
      for (const batch of batches.slice(isOnTheWire ? 1 : 0)) count += batch.count
    }
    return count
  }

  close(): void {
    this.#isClosed = true
    this.#expiry.close()
    this.#leaders.close()
    clearTimeout(this.#linger)
    this.#ready.clear()
    this.#topics.clear()
  }

  #place(topic: TopicQueues, message: DriverMessage, settlement: Settlement, nowMs: number): void {
    const partition = topic.choosePartition(message)
    if (partition >= topic.leaders.length) return this.#leaders.wait(topic, message, settlement, nowMs)
    const queue = topic.queue(partition, this.#parts.identity)
    queue.append(message, settlement, nowMs, this.#batchOpenMs, this.#maxBatchBytes)
    if (queue.isBusy) return
    this.#ready.add(queue)
    this.#schedule()
  }

  // After the current turn, not at once: what its callbacks and their promises still send goes along.
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#sendReady()
    })
  }

  #sendReady(): void {
    const { cluster, options } = this.#parts
    const nowMs = performance.now()
    const requests = new Map<number, { connection: SenderConnection; queues: TopicQueue[]; bytes: number }>()
    for (const queue of this.#ready) {
      const { topic, partition, first } = queue
      if (!first) {
        this.#ready.delete(queue)
        continue
      }
      if (this.#lingers(queue, first, nowMs)) continue
      if (nowMs - topic.refreshedAtMs > metadataMaxAgeMs) void this.#leaders.refresh(topic)
      const leader = topic.leaders[partition] ?? -1
      const connection = leader < 0 ? undefined : cluster.connectionTo(leader)
      if (leader < 0) this.#block(queue, this.#leaders.refresh(topic))
      else if (!connection) this.#block(queue, this.#connect(queue, leader))
      else if (options.profile.idempotence && !queue.identity) this.#block(queue, this.#identify(queue))
      else if ((this.#inFlight.get(leader) ?? 0) < options.profile.maxInFlight) {
        const request = requests.get(leader) ?? { connection, queues: [], bytes: 0 }
        requests.set(leader, request)
        // The rest goes with another request, right after this one.
        if (request.bytes > 0 && request.bytes + first.length > this.#maxBatchBytes) {
          this.#schedule()
          continue
        }
        request.queues.push(queue)
        request.bytes += first.length
        this.#ready.delete(queue)
      }
    }
    for (const [leader, { connection, queues }] of requests) this.#send(leader, connection, queues)
  }

  #lingers(queue: TopicQueue, first: RecordBatch, nowMs: number): boolean {
    const { lingerMs } = this.#parts.options.profile
    if (lingerMs === 0 || queue.attempts > 0 || queue.batches.length > 1) return false
    if (first.createdAtMs <= this.#hurriedAtMs) return false
    const leftMs = first.createdAtMs + lingerMs - nowMs
    if (leftMs <= 0) return false
    this.#linger ??= setTimeout(() => {
      this.#linger = undefined
      this.#sendReady()
    }, leftMs).unref()
    return true
  }

  /** Takes a queue out until `until` is done, which never rejects. */
  #block(queue: TopicQueue, until: Promise<unknown>): void {
    this.#ready.delete(queue)
    queue.isBusy = true
    queue.topic.release(queue.partition)
    void until.then(() => this.#unblock(queue))
  }

  #unblock(queue: TopicQueue): void {
    queue.isBusy = false
    if (!queue.first || this.#isClosed) return
    this.#ready.add(queue)
    this.#schedule()
  }

  async #connect(queue: TopicQueue, leader: number): Promise<void> {
    try {
      await this.#parts.cluster.open(leader)
    } catch (error) {
      queue.trouble = this.#parts.cluster.failureOf(error)
      await this.#leaders.refresh(queue.topic)
    }
  }

  async #identify(queue: TopicQueue): Promise<void> {
    try {
      queue.identify(await this.#parts.cluster.identify())
    } catch (error) {
      queue.trouble = this.#parts.cluster.failureOf(error)
      await pause(retryAfterMs)
    }
  }

  #send(leader: number, connection: SenderConnection, queues: readonly TopicQueue[]): void {
    const { library, compression, options, counts } = this.#parts
    const topics = new Map<string, { partition: number; payload: Buffer }[]>()
    const sent = queues.filter((queue) => {
      const { topic, partition } = queue
      let payload: Buffer
      try {
        payload = queue.first!.seal(library, compression, queue.identity, queue.sequence)
      } catch (error) {
        this.#verdicts.refuse(queue, { code: 'DRIVER_FAILED', reason: (error as Error).message, outcome: 'not_sent' })
        this.#unblock(queue)
        return false
      }
      const batches = topics.get(topic.name)
      if (batches) batches.push({ partition, payload })
      else topics.set(topic.name, [{ partition, payload }])
      if (queue.attempts++ > 0) counts.retried(leader)
      queue.isBusy = queue.isOnTheWire = true
      topic.release(partition)
      return true
    })
    if (sent.length === 0) return
    this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 0) + 1)
    const sentAtMs = performance.now()
    connection.produce(this.#acks, options.profile.requestTimeoutMs, [...topics], (error, response) => {
      this.#inFlight.set(leader, this.#inFlight.get(leader)! - 1)
      if (this.#isClosed) return
      for (const queue of sent) queue.isOnTheWire = false
      const answer = (response ?? error?.response) as ProduceAnswer | undefined
      if (this.#acks === 0 && !error) for (const queue of sent) this.#verdicts.stored(queue, -1, -1)
      else if (answer?.responses) {
        counts.answered(leader, performance.now() - sentAtMs)
        this.#verdicts.answered(sent, answer)
      } else this.#verdicts.unanswered(sent, error!)
      for (const queue of sent) if (!queue.isRetrying) this.#unblock(queue)
      this.#schedule()
    })
  }

  #tryAgain(queue: TopicQueue): void {
    queue.isRetrying = true
    this.#block(
      queue,
      Promise.all([this.#leaders.refresh(queue.topic), pause(retryAfterMs)]).then(() => (queue.isRetrying = false)),
    )
  }

  *#queues(): Generator<TopicQueue> {
    for (const { queues } of this.#topics.values()) for (const queue of queues) if (queue) yield queue
  }
}

function pause(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false })
}
