import { setTimeout as delay } from 'node:timers/promises'
import type {
  CommittedPosition,
  DriverConsumer,
  DriverConsumerListener,
  StartPosition,
  TopicPartition,
} from '../../driver/driver-consumer.ts'
import { createDriverError } from '../../driver/driver-error.ts'
import type { DriverCredentials, DriverFailure } from '../../driver/driver.ts'
import { isMessagingError, MessagingError } from '../../errors/messaging-error.ts'
import type { ActiveConsumer } from '../active-consumer.ts'
import { Assignment } from './assignment.ts'
import { BufferBudget } from '../partition/buffer-budget.ts'
import { readDoneAhead } from '../partition/done-ahead.ts'
import { planOf } from './group-partitions.ts'
import { startLagWatch, type LagWatch } from './lag-watch.ts'
import type { PartitionWork } from '../partition/partition-work.ts'
import type { PartitionSource } from './partition-source.ts'
import { PollLoop } from './poll-loop.ts'

export interface GroupMemberParts {
  /** Empty where there is none. */
  readonly group: string
  readonly driver: string
  /** Of one group; they share the settings of the membership. */
  readonly consumers: readonly ActiveConsumer[]
  readonly source: PartitionSource
  readonly connect: (listener: DriverConsumerListener) => Promise<DriverConsumer>
  /** What has to be there before anything is read. @throws MessagingError */
  readonly prepare: (consumer: DriverConsumer) => Promise<void>
}

/** One client of a member, with the loop that polls it. */
interface Connection {
  readonly consumer: DriverConsumer
  readonly loop: PollLoop
}

const longestRetryMs = 5_000
/** A client that lived for so long was no failure to connect. */
const forgetAfterMs = 60_000

/** One member of a group, for as long as it runs: its clients, one after another where one is of no more use, and what is assigned to it. */
export class GroupMember {
  readonly group: string
  readonly driver: string
  readonly consumers: readonly ActiveConsumer[]
  readonly #parts: GroupMemberParts
  readonly #budget: BufferBudget
  readonly #assignment: Assignment
  #connection: Connection | undefined
  #lastPollAt = performance.now()
  #commitTimer: NodeJS.Timeout | undefined
  #replacing: Promise<void> | undefined
  #replacedAt = -Infinity
  #replacements = 0
  /** Those that were set last; undefined while they are what the configuration began with. */
  #credentials: DriverCredentials | undefined
  #lagWatch: LagWatch | undefined
  #isStopping = false
  #stopping: Promise<number> | undefined

  constructor(parts: GroupMemberParts) {
    this.#parts = parts
    this.group = parts.group
    this.driver = parts.driver
    this.consumers = parts.consumers
    this.#budget = new BufferBudget(parts.consumers[0]!.plan.config.bufferTotalMaxBytes)
    this.#assignment = new Assignment({
      group: parts.group,
      consumers: parts.consumers,
      commit: (positions: readonly CommittedPosition[]) => this.#connection!.consumer.commit(positions),
      consumer: () => this.driverConsumer,
      ended: (work) => parts.source.ended(work),
      budget: this.#budget,
    })
  }

  get works(): readonly PartitionWork[] {
    return this.#assignment.works
  }

  /** Whether it was told about its partitions. */
  get hasAssignment(): boolean {
    return this.#assignment.isKnown
  }

  /** When a poll came back, on the clock of performance.now(). */
  get lastPollAt(): number {
    return this.#connection?.loop.lastPollAt ?? this.#lastPollAt
  }

  get driverConsumer(): DriverConsumer | undefined {
    return this.#connection?.consumer
  }

  /** @throws as the driver’s `createConsumer` and `subscribe` */
  async start(): Promise<void> {
    await this.#open()
    const { commitIntervalMs, lagIntervalMs } = this.consumers[0]!.plan.config
    const { committer } = this.#assignment
    // A failure has been told by then, and the next time tries again.
    this.#commitTimer = setInterval(() => void committer.commit().catch(() => undefined), commitIntervalMs)
    this.#lagWatch = startLagWatch(lagIntervalMs, {
      consumers: this.consumers,
      works: () => this.works,
      consumer: () => this.driverConsumer,
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
    this.#assignment.abort()
  }

  /** The next message of the partition is the one there, once what runs has ended. @throws PARTITION_NOT_FOUND, OFFSET_UNAVAILABLE */
  async seek(position: StartPosition): Promise<void> {
    const { topic, partition } = position
    const work = this.#assignment.find(position)
    const consumer = this.driverConsumer
    if (work === undefined || consumer === undefined) {
      const reason = `partition ${partition} of ${topic} is not assigned here`
      throw new MessagingError('PARTITION_NOT_FOUND', { reason }, { topic })
    }
    await work.moveBy(() => consumer.seek(position))
  }

  /** Its client logs in with these from now on; one that cannot change them gives way to another. */
  setCredentials(credentials: DriverCredentials): void {
    this.#credentials = credentials
    const consumer = this.driverConsumer
    // One that still connects is looked at when it is there.
    if (consumer) this.#giveCredentials(consumer, credentials)
  }

  /** Puts another client in the place of one that is of no more use, or that has to log in anew. Never rejects. */
  replace(because?: MessagingError): Promise<void> {
    this.#replacing ??= this.#replace(because).finally(() => (this.#replacing = undefined))
    return this.#replacing
  }

  #giveCredentials(consumer: DriverConsumer, credentials: DriverCredentials): void {
    if (consumer.setCredentials) consumer.setCredentials(credentials)
    else void Promise.resolve(this.#replacing).then(() => (this.#isStopping ? undefined : this.replace()))
  }

  async #open(): Promise<void> {
    const credentials = this.#credentials
    const assignment = this.#assignment
    const { source, prepare } = this.#parts
    const consumer: DriverConsumer = await this.#parts.connect({
      assigned: (partitions) => this.#assigned(partitions, consumer),
      revoked: (partitions) => assignment.revoked(partitions),
      lost: (partitions) => assignment.lost(partitions),
      failed: (failure) => this.#failed(failure),
    })
    let partitions: readonly TopicPartition[]
    try {
      await prepare(consumer)
      partitions = await source.begin(consumer)
    } catch (error) {
      await consumer.close().catch(() => undefined)
      throw error
    }
    const loop = new PollLoop({ consumer, assignment, budget: this.#budget, failed: (thrown) => this.#tell(thrown) })
    this.#connection = { consumer, loop }
    if (partitions.length > 0) assignment.assigned(partitions)
    loop.start()
    if (this.#credentials !== credentials) this.#giveCredentials(consumer, this.#credentials!)
  }

  async #assigned(partitions: readonly TopicPartition[], consumer: DriverConsumer): Promise<void> {
    let before: readonly CommittedPosition[]
    try {
      await this.#parts.source.place(partitions, consumer)
      const plans = this.consumers.map(({ plan }) => plan)
      before = await readDoneAhead(consumer, partitions, (topic) => planOf(plans, topic))
    } catch (thrown) {
      // They would be read from elsewhere. Without work nothing of them is handled, and another client asks again.
      if (this.driverConsumer === consumer) void this.replace(asError(thrown))
      return
    }
    this.#assignment.assigned(partitions, before)
  }

  #failed(failure: DriverFailure): void {
    const error = createDriverError(failure)
    this.#tell(error)
    if (failure.fatal) void this.replace(error)
  }

  #tell(thrown: unknown): void {
    const error = asError(thrown)
    for (const each of this.consumers) each.errored(error.of(each.plan.name))
  }

  async #stop(timeoutMs: number): Promise<number> {
    this.#isStopping = true
    await this.#replacing
    const startedAt = performance.now()
    // Polling goes on meanwhile, so that the member stays in its group until its work is committed.
    const unfinished = await this.#assignment.end(timeoutMs)
    clearInterval(this.#commitTimer)
    this.#lagWatch?.stop()
    await this.#close()
    for (const { ledger } of this.consumers) {
      const { group } = this
      const durationMs = performance.now() - startedAt
      ledger.publish('consumer.stopped', () => ({ group, durationMs, unfinished }))
    }
    return unfinished
  }

  async #close(): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    const { consumer, loop } = connection
    this.#lastPollAt = loop.lastPollAt
    const stopped = loop.stop()
    // Which ends the poll that is under way.
    const [closed] = await Promise.allSettled([consumer.close(), stopped])
    if (closed.status === 'rejected') this.#tell(closed.reason)
  }

  async #replace(because: MessagingError | undefined): Promise<void> {
    const { group } = this
    for (const { ledger, plan } of because ? this.consumers : [])
      ledger.publish('consumer.replaced', () => ({ group, error: because!.of(plan.name) }))
    await this.#assignment.release()
    await this.#close()
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

function asError(thrown: unknown): MessagingError {
  if (isMessagingError(thrown)) return thrown
  return new MessagingError('DRIVER_FAILED', { reason: 'the poll failed' }, { cause: thrown })
}
