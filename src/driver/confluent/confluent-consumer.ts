import { createDriverError } from '../driver-error.ts'
import {
  nameOf,
  type CommittedPosition,
  type ConsumedMessage,
  type DriverConsumer,
  type DriverConsumerOptions,
  type StartPosition,
  type TopicPartition,
} from '../driver-consumer.ts'
import type { DriverCredentials, DriverFailure } from '../driver.ts'
import { withinTime } from '../../timing/within-time.ts'
import { FetchedMessages } from './fetched-messages.ts'
import { findStarts } from './find-starts.ts'
import { FollowedTopics } from './followed-topics.ts'
import { Membership } from './membership.ts'
import { connectConsumer, NativeRequests } from './native-consumer.ts'
import type {
  NativeConsumer,
  NativeConsumerCallbacks,
  NativeError,
  NativeModule,
  NativePosition,
} from './native-module.ts'
import { OffsetCommits } from './offset-commits.ts'
import { toDriverError } from './to-driver-error.ts'

const erroneousState = -172
const closeWithinMs = 10_000
/** How often reports of commits are looked for while nobody polls. */
const lookForReportsMs = { first: 1, most: 100 }
/** A partition cannot be moved before librdkafka has begun to read it. */
const seekAgainMs = 10

/**
 * One librdkafka consumer. It tells when its queue is no longer empty; then what is there is taken, in a call that does not wait.
 * So no thread of libuv waits for messages.
 */
export class ConfluentConsumer implements DriverConsumer {
  readonly #options: DriverConsumerOptions
  #consumer!: NativeConsumer
  #membership!: Membership
  #fetched!: FetchedMessages
  #requests!: NativeRequests
  #topics!: FollowedTopics
  readonly #commits = new OffsetCommits((positions) => this.#consumer.commit(positions))

  #isMember = false
  #isPolling = false
  /** A poll takes from the queue, or waits for it; not so while it waits for a listener. */
  #isReading = false
  #isSignalled = false
  #wake: () => void = () => undefined
  #looking: NodeJS.Timeout | undefined
  /** Calls of producers that use the native consumer. */
  readonly #lent = new Set<Promise<unknown>>()

  #fatal: DriverFailure | undefined
  #closing: Promise<void> | undefined

  constructor(options: DriverConsumerOptions) {
    this.#options = options
  }

  /**
   * Lets a transaction take these offsets, with the membership that `send` asks the native consumer for. One that has just been put
   * out of its group names no member, and the broker would take its offsets all the same: so it is looked at again afterwards.
   */
  async commitBy(
    offsets: readonly TopicPartition[],
    send: (native: unknown) => Promise<DriverFailure | undefined>,
  ): Promise<DriverFailure | undefined> {
    const refusal = this.#refusalOf(offsets)
    if (refusal) return refusal
    const sending = send(this.#consumer)
    this.#lent.add(sending)
    const failure = await sending.finally(() => this.#lent.delete(sending))
    return failure ?? this.#refusalOf(offsets)
  }

  async connect(native: NativeModule): Promise<void> {
    const callbacks: NativeConsumerCallbacks = {
      rebalance_cb: (event, partitions) => this.#membership.rebalanced(event, partitions),
      offset_commit_cb: (error, positions) => this.#commits.settle(error, positions),
      queue_non_empty_cb: this.#signal,
    }
    const consumer = await connectConsumer(native, this.#options, callbacks, this.#fail)
    this.#consumer = consumer
    this.#membership = new Membership({
      consumer,
      listener: this.#options.listener,
      findStarts: (partitions) =>
        findStarts(partitions, { requests: this.#requests, commits: this.#commits, options: this.#options }),
      onChange: this.#signal,
      onGone: (name) => this.#fetched.drop(name),
      onFailure: this.#fail,
    })
    this.#fetched = new FetchedMessages({
      reader: consumer.getClient(),
      isPaused: (name) => this.#membership.isPaused(name),
      onTake: () => (this.#isSignalled = false),
      onFailure: (failure) => {
        this.#fail(failure)
        // More may be waiting behind it.
        this.#isSignalled = true
      },
    })
    this.#requests = new NativeRequests(this.#consumer, this.#options.connectTimeoutMs)
    this.#topics = new FollowedTopics(this.#consumer, this.#requests)
  }

  async subscribe(topics: readonly (string | RegExp)[]): Promise<void> {
    this.#refuseUseless()
    this.#isMember = true
    await this.#topics.follow(topics)
  }

  async assign(positions: readonly StartPosition[]): Promise<void> {
    this.#refuseUseless()
    const targets = await this.#requests.resolve(positions)
    this.#membership.replace(targets)
    this.#call(() => this.#consumer.assign(targets))
  }

  async poll(maxMessages: number, timeoutMs: number): Promise<readonly ConsumedMessage[]> {
    this.#refuseUseless()
    if (this.#isPolling) throw createDriverError({ code: 'DRIVER_FAILED', reason: 'poll() is under way already' })
    this.#isPolling = true
    let timer: NodeJS.Timeout | undefined
    let isOver = timeoutMs <= 0
    try {
      for (;;) {
        if (this.#membership.hasChanged) await this.#membership.follow()
        if (this.#closing) return []
        if (this.#fatal) throw createDriverError(this.#fatal)
        this.#isReading = true
        const messages = await this.#fetched.take(maxMessages)
        if (messages.length > 0 || (isOver && !this.#membership.hasChanged)) return messages
        timer ??= setTimeout(() => {
          isOver = true
          this.#signal()
        }, timeoutMs)
        if (!this.#isSignalled && !this.#membership.hasChanged) {
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
        this.#isReading = false
      }
    } finally {
      clearTimeout(timer)
      this.#isPolling = this.#isReading = false
      this.#lookForReports()
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#fetched.paused()
    this.#call(() => this.#membership.pause(partitions))
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#call(() => this.#membership.resume(partitions))
    // There may be some that are held.
    this.#signal()
  }

  async seek(position: StartPosition): Promise<void> {
    this.#refuseUseless()
    const name = nameOf(position)
    const [target] = (await this.#requests.resolve([position])) as [NativePosition]
    if (!this.#membership.has(name)) {
      throw createDriverError({ code: 'PARTITION_NOT_FOUND', reason: `${name} is not assigned` })
    }
    if (this.#membership.startAt(target)) return
    await this.#fetched.during(name, () => this.#move(name, target))
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    this.#refuseUseless()
    const foreign = this.#foreignAmong(positions)
    if (foreign) throw createDriverError(foreign)
    const committed = this.#commits.commit(positions)
    this.#lookForReports()
    await committed
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedPosition[]> {
    this.#refuseUseless()
    return this.#requests.committed(partitions)
  }

  async watermarks(partition: TopicPartition): Promise<{ readonly low: number; readonly high: number }> {
    this.#refuseUseless()
    return this.#requests.watermarks(partition)
  }

  async partitionCount(topic: string): Promise<number> {
    this.#refuseUseless()
    return this.#requests.partitionCount(topic)
  }

  setCredentials({ username, password }: DriverCredentials): void {
    if (!this.#closing) this.#consumer.setSaslCredentials(username ?? '', password?.reveal() ?? '')
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** One of them belongs to somebody else, or will. */
  #foreignAmong(partitions: readonly TopicPartition[]): DriverFailure | undefined {
    const foreign = this.#isMember && partitions.find((partition) => !this.#membership.has(nameOf(partition)))
    if (!foreign) return undefined
    return { code: 'GROUP_REJOIN_REQUIRED', reason: `${nameOf(foreign)} is not assigned (any more)` }
  }

  #refusalOf(partitions: readonly TopicPartition[]): DriverFailure | undefined {
    if (this.#closing) return { code: 'CLOSE_TIMED_OUT', reason: 'the consumer is closed' }
    if (this.#fatal) return this.#fatal
    if (!this.#isMember) return undefined
    if (this.#consumer.assignmentLost()) {
      return { code: 'GROUP_REJOIN_REQUIRED', reason: 'the member was put out of its group' }
    }
    return this.#foreignAmong(partitions)
  }

  readonly #signal = (): void => {
    this.#isSignalled = true
    this.#wake()
    if (!this.#isReading && this.#commits.areUnderWay) this.#lookForReports(0)
  }

  readonly #fail = (failure: DriverFailure): void => {
    if (this.#closing || this.#fatal) return
    if (failure.fatal !== true) return this.#options.listener.failed(failure)
    // What is fatal to a consumer is that the broker will not have it in the group as it is.
    this.#fatal = { ...failure, code: 'GROUP_REJOIN_REQUIRED', retriable: false }
    this.#options.listener.failed(this.#fatal)
    this.#signal()
  }

  /**
   * Reports of commits wait in the queue of the messages, in front of them. A poll finds them; while none reads, they are looked for
   * here. Each look may take one message, which is held.
   */
  #lookForReports(afterMs = lookForReportsMs.first): void {
    clearTimeout(this.#looking)
    if (this.#isReading || this.#closing || !this.#commits.areUnderWay) return
    this.#looking = setTimeout(() => void this.#lookOnce(afterMs), afterMs)
  }

  async #lookOnce(afterMs: number): Promise<void> {
    if (!this.#isReading) await this.#fetched.look()
    this.#lookForReports(Math.min(lookForReportsMs.most, Math.max(1, afterMs * 2)))
  }

  async #move(name: string, target: NativePosition): Promise<void> {
    const giveUpAt = performance.now() + this.#options.connectTimeoutMs
    while (!this.#closing && this.#membership.has(name)) {
      try {
        return await this.#requests.seek(target)
      } catch (error) {
        const isNotReady = (error as { driverCode?: unknown }).driverCode === erroneousState
        if (!isNotReady || performance.now() > giveUpAt) throw error
        await new Promise((resolve) => setTimeout(resolve, seekAgainMs))
      }
    }
  }

  #call(call: () => void): void {
    try {
      call()
    } catch (error) {
      throw toDriverError(error as NativeError)
    }
  }

  #refuseUseless(): void {
    if (this.#closing) throw createDriverError({ code: 'DRIVER_FAILED', reason: 'the consumer is closed' })
    if (this.#fatal) throw createDriverError(this.#fatal)
  }

  async #close(): Promise<void> {
    clearTimeout(this.#looking)
    this.#topics.close()
    this.#commits.close()
    this.#membership.close()
    const idle = this.#fetched.close()
    // Not before everybody sees that it closes.
    await Promise.resolve()
    this.#membership.finish()
    this.#signal()
    await withinTime(this.#release(idle), closeWithinMs)
  }

  async #release(idle: Promise<void>): Promise<void> {
    // A call that is under way would use the client after it is gone.
    await Promise.all([this.#requests.close(), idle, ...this.#lent])
    await new Promise<void>((resolve) => this.#consumer.disconnect(() => resolve()))
    this.#membership.released()
  }
}
