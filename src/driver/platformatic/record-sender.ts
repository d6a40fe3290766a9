import { setTimeout as delay } from 'node:timers/promises'
import type { DriverFailure, DriverMessage, DriverOptions, Settlement } from '../driver.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerCounts } from './broker-counts.ts'
import type { Cluster } from './cluster.ts'
import type { LibraryCompression, LibraryError, PlatformaticModule } from './platformatic-module.ts'
import type { ProducerIdentity, RecordBatch } from './record-batch.ts'
import { TopicQueues, type TopicQueue, type WaitingMessage } from './topic-queues.ts'

interface PartitionAnswer {
  readonly index: number
  readonly errorCode: number
  readonly baseOffset: bigint
  readonly logAppendTimeMs: bigint
  readonly recordErrors?: readonly { readonly batchIndex: number }[]
  readonly errorMessage?: string | null
}

interface ProduceAnswer {
  readonly responses: readonly { readonly name: string; readonly partitionResponses: readonly PartitionAnswer[] }[]
}

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

const unknownTopic = 3
const duplicateSequence = 46
/** Refusals of a batch as too large: parts of it may pass. */
const tooLarge = new Set([10, 18])
/** Answers that leave open whether the batch was stored. */
const inDoubt = new Set([7, 13, 20])
/** Metadata errors that no waiting cures. */
const finalForTopic = new Set([17, 29])

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
  /** Queues with something to send that wait for nothing but their turn. */
  readonly #ready = new Set<TopicQueue>()
  readonly #inFlight = new Map<number, number>()
  #pending = 0
  #isScheduled = false
  /** What came until then does not linger. */
  #hurriedAtMs = -Infinity
  #isClosed = false
  #expiry: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined

  constructor(parts: RecordSenderParts) {
    const { profile } = parts.options
    this.#parts = parts
    this.#acks = profile.acks === 'all' ? -1 : profile.acks
    this.#maxBatchBytes = profile.maxMessageBytes + batchOverheadBytes
    this.#batchOpenMs = profile.deliveryTimeoutMs * batchOpenPart
  }

  produce(message: DriverMessage, settlement: Settlement): void {
    const nowMs = performance.now()
    if (this.#pending++ === 0) this.#watch()
    let topic = this.#topics.get(message.topic)
    if (topic === undefined) {
      topic = new TopicQueues(message.topic, this.#parts.options.profile.partitioner)
      this.#topics.set(message.topic, topic)
    }
    if (topic.leaders.length > 0) this.#place(topic, message, settlement, nowMs)
    else this.#wait(topic, message, settlement, nowMs)
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
    clearTimeout(this.#expiry)
    clearTimeout(this.#linger)
    this.#ready.clear()
    this.#topics.clear()
  }

  #place(topic: TopicQueues, message: DriverMessage, settlement: Settlement, nowMs: number): void {
    const partition = topic.choosePartition(message)
    if (partition >= topic.leaders.length) return this.#wait(topic, message, settlement, nowMs)
    const queue = topic.queue(partition, this.#parts.identity)
    queue.append(message, settlement, nowMs, this.#batchOpenMs, this.#maxBatchBytes)
    if (queue.isBusy) return
    this.#ready.add(queue)
    this.#schedule()
  }

  /** For a topic that is not known yet, or a partition that may have been added. */
  #wait(topic: TopicQueues, message: DriverMessage, settlement: Settlement, createdAtMs: number): void {
    // The value may lie in a buffer that the next send overwrites.
    const kept = message.value ? { ...message, value: Buffer.from(message.value) } : message
    topic.waiting.push({ message: kept, settlement, createdAtMs })
    void this.#refresh(topic)
  }

  /** Asks for the leaders of a topic, again and again while messages wait for it. Never rejects. */
  #refresh(topic: TopicQueues): Promise<void> {
    return (topic.refreshing ??= this.#askFor(topic).finally(() => {
      topic.refreshing = undefined
      if (topic.waiting.length > 0 && !this.#isClosed) void this.#refresh(topic)
    }))
  }

  async #askFor(topic: TopicQueues): Promise<void> {
    const tooSoonMs = topic.refreshedAtMs + retryAfterMs - performance.now()
    if (tooSoonMs > 0) await pause(tooSoonMs)
    topic.refreshedAtMs = performance.now()
    try {
      const found = (await this.#parts.cluster.metadata([topic.name])).get(topic.name)
      if (!found || this.#isClosed) return
      const { errorCode, leaders } = found
      topic.missingSinceMs = errorCode === unknownTopic ? (topic.missingSinceMs ?? topic.refreshedAtMs) : undefined
      const isMissing =
        topic.missingSinceMs !== undefined && performance.now() - topic.missingSinceMs >= this.#parts.topicPropagationMs
      if (isMissing || finalForTopic.has(errorCode)) return this.#failTopic(topic, errorCode)
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
        this.#place(topic, message, settlement, createdAtMs)
        continue
      }
      const reason = `${topic.name} has ${topic.leaders.length} partitions`
      this.#settle(settlement, { code: 'PARTITION_NOT_FOUND', reason, outcome: 'not_sent' }, message.partition)
    }
  }

  #failTopic(topic: TopicQueues, errorCode: number): void {
    const failure = this.#parts.cluster.failureOfNumber(errorCode, topic.name)
    // So that the next message asks anew.
    topic.leaders = []
    topic.missingSinceMs = undefined
    if (topic.queues.length === 0) this.#topics.delete(topic.name)
    const waiting = topic.waiting
    topic.waiting = []
    for (const { message, settlement } of waiting)
      this.#settle(settlement, { ...failure, outcome: 'not_sent' }, message.partition)
    for (const queue of topic.queues) while (queue?.first && !queue.isOnTheWire) this.#refuse(queue, failure)
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
      if (nowMs - topic.refreshedAtMs > metadataMaxAgeMs) void this.#refresh(topic)
      const leader = topic.leaders[partition] ?? -1
      const connection = leader < 0 ? undefined : cluster.connectionTo(leader)
      if (leader < 0) this.#block(queue, this.#refresh(topic))
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
      await this.#refresh(queue.topic)
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
        this.#refuse(queue, { code: 'DRIVER_FAILED', reason: (error as Error).message, outcome: 'not_sent' })
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
      if (this.#acks === 0 && !error) for (const queue of sent) this.#stored(queue, -1, -1)
      else if (answer?.responses) {
        counts.answered(leader, performance.now() - sentAtMs)
        this.#answered(sent, answer)
      } else this.#unanswered(sent, error!)
      for (const queue of sent) if (!queue.isRetrying) this.#unblock(queue)
      this.#schedule()
    })
  }

  #answered(queues: readonly TopicQueue[], { responses }: ProduceAnswer): void {
    const answers = new Map<string, PartitionAnswer>()
    for (const { name, partitionResponses } of responses)
      for (const answer of partitionResponses) answers.set(`${name} ${answer.index}`, answer)
    for (const queue of queues) {
      const answer = answers.get(`${queue.topic.name} ${queue.partition}`)
      if (!answer) this.#retry(queue, { code: 'DRIVER_FAILED', reason: 'the answer lacks this partition' }, true)
      else if (answer.errorCode === 0) this.#stored(queue, Number(answer.baseOffset), Number(answer.logAppendTimeMs))
      // The broker keeps it already; where, it does not say.
      else if (answer.errorCode === duplicateSequence) this.#stored(queue, -1, -1)
      else this.#failed(queue, answer)
    }
  }

  #failed(queue: TopicQueue, { errorCode, errorMessage, recordErrors = [] }: PartitionAnswer): void {
    const { library, cluster } = this.#parts
    const failure = cluster.failureOfNumber(errorCode, errorMessage)
    const { count } = queue.first!
    if (library.protocolErrors[library.protocolErrorsCodesById[errorCode] ?? '']?.canRetry)
      this.#retry(queue, failure, inDoubt.has(errorCode))
    else if (tooLarge.has(errorCode) && count > 1 && !queue.isExpired) {
      const half = count >> 1
      const batch = queue.first!
      queue.shift({ isStored: false }, [batch.pick((index) => index < half), batch.pick((index) => index >= half)])
    } else if (recordErrors.length > 0 && recordErrors.length < count && !queue.isExpired) {
      // The broker refuses a batch as a whole, and names those in it that are to blame.
      const blamed = new Set(recordErrors.map(({ batchIndex }) => batchIndex))
      const batch = queue.first!
      queue.shift({ isStored: false }, [batch.pick((index) => !blamed.has(index))])
      for (const index of blamed) this.#settle(batch.settlements[index]!, failure, queue.partition)
    } else this.#refuse(queue, failure)
  }

  #unanswered(queues: readonly TopicQueue[], error: LibraryError): void {
    const failure = this.#parts.cluster.failureOf(error)
    this.#parts.options.onFailure(failure)
    for (const queue of queues) this.#retry(queue, failure, true)
  }

  #retry(queue: TopicQueue, failure: DriverFailure, mayBeStored: boolean): void {
    queue.mayBeStored ||= mayBeStored
    queue.trouble = failure
    if (queue.isExpired) {
      queue.shift({ isStored: false })
      return
    }
    queue.isRetrying = true
    this.#block(
      queue,
      Promise.all([this.#refresh(queue.topic), pause(retryAfterMs)]).then(() => (queue.isRetrying = false)),
    )
  }

  #stored(queue: TopicQueue, baseOffset: number, appendedAtMs: number): void {
    const { isExpired, partition } = queue
    const { settlements, timestamps } = queue.shift({ isStored: true })
    if (isExpired) return
    this.#countSettled(settlements.length)
    for (let index = 0; index < settlements.length; index++) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index
      settlements[index]!.settle(null, partition, offset, appendedAtMs >= 0 ? appendedAtMs : timestamps[index]!)
    }
  }

  /** The first batch fails for good. */
  #refuse(queue: TopicQueue, failure: DriverFailure): void {
    const { isExpired, mayBeStored, partition } = queue
    const { settlements } = queue.shift({ isStored: false })
    const told = mayBeStored ? { ...failure, outcome: 'unknown' as const } : failure
    if (!isExpired) for (const settlement of settlements) this.#settle(settlement, told, partition)
    if (failure.fatal) this.#parts.options.onFailure(failure)
  }

  #settle(settlement: Settlement, failure: DriverFailure, partition: number): void {
    this.#countSettled(1)
    settlement.settle(failure, partition, -1, -1)
  }

  // Sockets do not hold the process, so this timer has to while something is pending, and must not longer.
  #watch(): void {
    this.#expiry ??= setTimeout(() => this.#expire(), this.#parts.options.profile.deliveryTimeoutMs)
    this.#expiry.ref()
  }

  #countSettled(count: number): void {
    this.#pending -= count
    if (this.#pending === 0) this.#expiry?.unref()
  }

  #expire(): void {
    const { deliveryTimeoutMs } = this.#parts.options.profile
    const createdBeforeMs = performance.now() - deliveryTimeoutMs
    let oldestMs = Infinity
    for (const topic of this.#topics.values()) {
      const due = topic.waiting.filter(({ createdAtMs }) => createdAtMs <= createdBeforeMs)
      topic.waiting = topic.waiting.filter(({ createdAtMs }) => createdAtMs > createdBeforeMs)
      for (const waiting of due) this.#expireWaiting(waiting)
      oldestMs = Math.min(oldestMs, topic.waiting[0]?.createdAtMs ?? Infinity)
    }
    for (const queue of this.#queues()) {
      let batch = queue.batches.find((each) => each !== queue.first || !queue.isExpired)
      while (batch && batch.createdAtMs <= createdBeforeMs) {
        this.#expireBatch(queue, batch)
        batch = queue.batches.find((each) => each !== queue.first || !queue.isExpired)
      }
      oldestMs = Math.min(oldestMs, batch?.createdAtMs ?? Infinity)
    }
    this.#expiry = undefined
    if (this.#pending === 0 || this.#isClosed) return
    const leftMs = oldestMs === Infinity ? deliveryTimeoutMs : oldestMs - createdBeforeMs
    this.#expiry = setTimeout(() => this.#expire(), Math.ceil(leftMs))
  }

  #expireWaiting({ message, settlement }: WaitingMessage): void {
    const reason = `nothing was heard of the topic ${message.topic} within deliveryTimeoutMs`
    this.#settle(settlement, { code: 'DELIVERY_TIMED_OUT', reason, outcome: 'not_sent' }, message.partition)
  }

  #expireBatch(queue: TopicQueue, batch: RecordBatch): void {
    const { deliveryTimeoutMs } = this.#parts.options.profile
    const isFirst = batch === queue.first
    const wasSent = isFirst && queue.attempts > 0
    const last = queue.trouble ? `; last: ${queue.trouble.reason}` : ''
    const failure: DriverFailure = {
      code: 'DELIVERY_TIMED_OUT',
      reason: `no acknowledgement within deliveryTimeoutMs (${deliveryTimeoutMs} ms)${last}`,
      outcome: !wasSent ? 'not_sent' : queue.isOnTheWire || queue.mayBeStored ? 'unknown' : 'rejected',
    }
    // What is on the wire keeps its place: only its answer tells with which number the next one continues.
    if (isFirst && queue.isOnTheWire) queue.isExpired = true
    else if (isFirst) queue.shift({ isStored: false })
    else queue.batches.splice(queue.batches.indexOf(batch), 1)
    for (const settlement of batch.settlements) this.#settle(settlement, failure, queue.partition)
  }

  *#queues(): Generator<TopicQueue> {
    for (const { queues } of this.#topics.values()) for (const queue of queues) if (queue) yield queue
  }
}

function pause(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false })
}
