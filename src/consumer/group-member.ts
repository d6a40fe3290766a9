import type {
  CommittedPosition,
  ConsumedMessage,
  DriverConsumer,
  DriverConsumerListener,
  StartPosition,
  TopicPartition,
} from '../driver/driver-consumer.ts'
import { createDriverError } from '../driver/driver-error.ts'
import type { DriverFailure } from '../driver/driver.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import type { ActiveConsumer } from './active-consumer.ts'
import { Committer } from './committer.ts'
import { startLagWatch, type LagWatch } from './lag-watch.ts'
import { PartitionWork } from './partition-work.ts'

export interface GroupMemberParts {
  readonly group: string
  readonly driver: string
  /** Of one group; they share the settings of the membership. */
  readonly consumers: readonly ActiveConsumer[]
  readonly connect: (listener: DriverConsumerListener) => Promise<DriverConsumer>
}

const pollMaxMessages = 1_000
const pollTimeoutMs = 100
/** A full buffer is given so long to be handled before its partition is paused: what the driver fetched ahead of it is lost then. */
const patienceMs = 50
const longestRetryMs = 5_000
/** A client that lived for so long was no failure to connect. */
const forgetAfterMs = 60_000

/** One member of a group: polls for as long as it lives, whatever its handlers do, and gives each message to its partition. */
export class GroupMember {
  readonly group: string
  readonly driver: string
  readonly consumers: readonly ActiveConsumer[]
  readonly committer: Committer
  /** When a poll came back, on the clock of performance.now(). */
  lastPollAt = performance.now()
  /** Whether it was told about its partitions. */
  hasAssignment = false
  readonly #parts: GroupMemberParts
  readonly #works = new Map<string, PartitionWork>()
  #consumer: DriverConsumer | undefined
  #polling: Promise<void> = Promise.resolve()
  #room = Promise.withResolvers<void>()
  #commitTimer: NodeJS.Timeout | undefined
  #replacing: Promise<void> | undefined
  #replacedAt = -Infinity
  #replacements = 0
  #lagWatch: LagWatch | undefined
  #isStopping = false
  #stopping: Promise<number> | undefined

  constructor(parts: GroupMemberParts) {
    this.#parts = parts
    this.group = parts.group
    this.driver = parts.driver
    this.consumers = parts.consumers
    this.committer = new Committer({
      works: () => this.#works.values(),
      commit: (positions: readonly CommittedPosition[]) => this.#consumer!.commit(positions),
    })
  }

  get works(): readonly PartitionWork[] {
    return [...this.#works.values()]
  }

  get driverConsumer(): DriverConsumer | undefined {
    return this.#consumer
  }

  /** @throws as the driver’s `createConsumer` and `subscribe` */
  async start(): Promise<void> {
    await this.#open()
    const { commitIntervalMs, lagIntervalMs } = this.consumers[0]!.plan.config
    // A failure has been told by then, and the next time tries again.
    this.#commitTimer = setInterval(() => void this.committer.commit().catch(() => undefined), commitIntervalMs)
    this.#lagWatch = startLagWatch(lagIntervalMs, {
      works: () => this.works,
      consumer: () => this.#consumer,
      stuck: (error) => void this.replace(error),
      failed: (error) => this.#tell(error),
    })
  }

  /** Ends what runs, at most so long, commits and leaves. Resolves with the number of messages that did not end. */
  stop(timeoutMs: number): Promise<number> {
    this.#stopping ??= this.#stop(timeoutMs)
    return this.#stopping
  }

  /** Aborts what runs, for a stop that takes too long. */
  abort(): void {
    for (const work of this.#works.values()) work.abort()
  }

  /** The next message of the partition is the one there, once what runs has ended. @throws PARTITION_NOT_FOUND, OFFSET_UNAVAILABLE */
  async seek(position: StartPosition): Promise<void> {
    const { topic, partition } = position
    const work = this.#works.get(keyOf(topic, partition))
    if (work === undefined || this.#consumer === undefined) {
      const reason = `partition ${partition} of ${topic} is not assigned here`
      throw new MessagingError('PARTITION_NOT_FOUND', { reason }, { topic })
    }
    const consumer = this.#consumer
    await work.moveBy(() => consumer.seek(position))
  }

  /** Puts another client in the place of one that is of no more use. Never rejects. */
  replace(because: MessagingError): Promise<void> {
    this.#replacing ??= this.#replace(because).finally(() => (this.#replacing = undefined))
    return this.#replacing
  }

  async #open(): Promise<void> {
    const consumer = await this.#parts.connect({
      assigned: (partitions) => this.#assigned(partitions),
      revoked: (partitions) => this.#revoked(partitions),
      lost: (partitions) => this.#lost(partitions),
      failed: (failure) => this.#failed(failure),
    })
    this.#consumer = consumer
    try {
      await consumer.subscribe([...new Set(this.consumers.flatMap(({ plan }) => plan.topics))])
    } catch (error) {
      this.#consumer = undefined
      await consumer.close().catch(() => undefined)
      throw error
    }
    this.#polling = this.#poll(consumer)
  }

  #failed(failure: DriverFailure): void {
    const error = createDriverError(failure)
    this.#tell(error)
    if (failure.fatal) void this.replace(error)
  }

  async #poll(consumer: DriverConsumer): Promise<void> {
    let failures = 0
    while (this.#consumer === consumer) {
      try {
        const messages = await consumer.poll(pollMaxMessages, pollTimeoutMs)
        failures = 0
        this.lastPollAt = performance.now()
        if (this.#consumer !== consumer) return
        this.#deliver(messages)
        const full = this.works.filter((work) => work.isFull && !work.isHeldAtDriver)
        if (full.length > 0) await this.#holdBack(consumer, full)
      } catch (error) {
        if (this.#consumer !== consumer) return
        this.#tell(error)
        await delay(Math.min(longestRetryMs, 50 * 2 ** Math.min(failures++, 10)))
      }
    }
  }

  #tell(thrown: unknown): void {
    const error = isMessagingError(thrown)
      ? thrown
      : new MessagingError('DRIVER_FAILED', { reason: 'the poll failed' }, { cause: thrown })
    for (const each of this.consumers) each.errored(error.of(each.plan.name))
  }

  #deliver(messages: readonly ConsumedMessage[]): void {
    if (this.#isStopping) return
    const touched = new Set<PartitionWork>()
    let work: PartitionWork | undefined
    for (const message of messages) {
      // Messages of a partition come in a row.
      if (work?.topic !== message.topic || work.partition !== message.partition) {
        work = this.#works.get(keyOf(message.topic, message.partition))
        if (work) touched.add(work)
      }
      work?.add(message)
    }
    for (const each of touched) {
      each.lastProgressAt = performance.now()
      each.goOn()
    }
  }

  /** Waits a little for room; partitions that have none then are paused, so that the others go on. */
  async #holdBack(consumer: DriverConsumer, full: readonly PartitionWork[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    let isLate = false
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs))).then(() => (isLate = true))
    while (!isLate && full.some((work) => work.isFull && !work.isEnding)) {
      await Promise.race([late, this.#room.promise])
    }
    clearTimeout(timer)
    const still = full.filter((work) => work.isFull && !work.isEnding)
    if (still.length === 0 || this.#consumer !== consumer) return
    for (const work of still) work.isHeldAtDriver = true
    consumer.pause(still.map(({ topic, partition }) => ({ topic, partition })))
  }

  #hasRoom(work: PartitionWork): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers()
    if (!work.isHeldAtDriver || work.isEnding) return
    work.isHeldAtDriver = false
    const { topic, partition } = work
    this.#consumer?.resume([{ topic, partition }])
  }

  #assigned(partitions: readonly TopicPartition[]): void {
    this.hasAssignment = true
    for (const { topic, partition } of partitions) {
      const consumer = this.#consumerOf(topic)
      if (consumer === undefined) continue
      // Told twice is not assigned twice.
      if (this.#works.has(keyOf(topic, partition))) continue
      const work = new PartitionWork(topic, partition, consumer, {
        commit: () => this.committer.commit(),
        hasRoom: (of) => this.#hasRoom(of),
      })
      this.#works.set(keyOf(topic, partition), work)
      if (this.#isStopping) void work.end(0)
      const { group } = this
      consumer.ledger.publish('partition.assigned', () => ({ group, topic, partition }))
    }
  }

  #consumerOf(topic: string): ActiveConsumer | undefined {
    return (
      this.consumers.find(({ plan }) => plan.topics.includes(topic)) ??
      this.consumers.find(({ plan }) => plan.topics.some((each) => each instanceof RegExp && each.test(topic)))
    )
  }

  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const works = this.#worksOf(partitions)
    await Promise.all(works.map((work) => work.end(work.consumer.plan.config.drainTimeoutMs)))
    await this.committer.commit().catch(() => undefined)
    this.#remove(works, false)
  }

  #lost(partitions: readonly TopicPartition[]): void {
    const works = this.#worksOf(partitions)
    for (const work of works) work.abort()
    this.#remove(works, true)
  }

  #worksOf(partitions: readonly TopicPartition[]): PartitionWork[] {
    return partitions
      .map(({ topic, partition }) => this.#works.get(keyOf(topic, partition)))
      .filter((work) => work !== undefined)
  }

  #remove(works: readonly PartitionWork[], lost: boolean): void {
    const { group } = this
    for (const { topic, partition, consumer, unfinished } of works) {
      this.#works.delete(keyOf(topic, partition))
      consumer.ledger.publish('partition.revoked', () => ({ group, topic, partition, lost, unfinished }))
    }
  }

  async #stop(timeoutMs: number): Promise<number> {
    this.#isStopping = true
    await this.#replacing
    const startedAt = performance.now()
    // Polling goes on meanwhile, so that the member stays in its group until its work is committed.
    const works = this.works
    await Promise.all(works.map((work) => work.end(timeoutMs)))
    const unfinished = works.reduce((sum, work) => sum + work.unfinished, 0)
    clearInterval(this.#commitTimer)
    this.#lagWatch?.stop()
    await this.#close(works)
    for (const { ledger } of this.consumers) {
      const { group } = this
      const durationMs = performance.now() - startedAt
      ledger.publish('consumer.stopped', () => ({ group, durationMs, unfinished }))
    }
    return unfinished
  }

  async #close(works: readonly PartitionWork[]): Promise<void> {
    const consumer = this.#consumer
    if (consumer === undefined) return
    await this.committer.commit().catch(() => undefined)
    this.#remove(works, false)
    this.#consumer = undefined
    // Which ends the poll that is under way.
    const [closed] = await Promise.allSettled([consumer.close(), this.#polling])
    if (closed.status === 'rejected') this.#tell(closed.reason)
  }

  async #replace(because: MessagingError): Promise<void> {
    const { group } = this
    for (const { ledger, plan } of this.consumers)
      ledger.publish('consumer.replaced', () => ({ group, error: because.of(plan.name) }))
    const works = this.works
    await Promise.all(works.map((work) => work.end(work.consumer.plan.config.drainTimeoutMs)))
    await this.#close(works)
    // One after another is a sign that the next will not do better, e.g. where two processes have the same instanceId.
    this.#replacements = performance.now() - this.#replacedAt < forgetAfterMs ? this.#replacements + 1 : 0
    for (; !this.#isStopping; this.#replacements++) {
      try {
        if (this.#replacements > 0) await delay(Math.min(longestRetryMs, 50 * 2 ** Math.min(this.#replacements, 10)))
        if (!this.#isStopping) await this.#open()
        break
      } catch (thrown) {
        this.#tell(thrown)
      }
    }
    this.#replacedAt = performance.now()
  }
}

function keyOf(topic: string, partition: number): string {
  return `${partition} ${topic}`
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
