import { createDriverError } from '../driver-error.ts'
import type {
  CommittedPosition,
  ConsumedMessage,
  DriverConsumer,
  DriverConsumerOptions,
  StartPosition,
  TopicPartition,
} from '../driver-consumer.ts'
import type { DriverCredentials, DriverFailure, DriverHeader } from '../driver.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import { FollowedTopics } from './followed-topics.ts'
import { connectConsumer, NativeRequests } from './native-consumer.ts'
import type {
  NativeConsumer,
  NativeError,
  NativeMessage,
  NativeModule,
  NativePartition,
  NativePosition,
  NativeReader,
} from './native-module.ts'
import { OffsetCommits } from './offset-commits.ts'
import { toDriverError } from './to-driver-error.ts'

/** A change of the membership, from when librdkafka tells it until it is carried out; librdkafka waits for that. */
interface Change {
  readonly kind: 'assigned' | 'revoked' | 'lost'
  readonly partitions: readonly TopicPartition[]
  isCarriedOut: boolean
}

const assignPartitions = -175
const erroneousState = -172
const closeWithinMs = 10_000
/** How often reports of commits are looked for while nobody polls. */
const lookForReportsMs = { first: 1, most: 100 }
/** A partition cannot be moved before librdkafka has begun to read it. */
const seekAgainMs = 10
const giveUpAgainMs = 5

/**
 * One librdkafka consumer. It tells when its queue is no longer empty; then what is there is taken, in a call that does not wait.
 * So no thread of libuv waits for messages.
 */
export class ConfluentConsumer implements DriverConsumer {
  readonly #options: DriverConsumerOptions
  #consumer!: NativeConsumer
  #reader!: NativeReader
  #requests!: NativeRequests
  #topics!: FollowedTopics
  readonly #commits = new OffsetCommits((positions) => this.#consumer.commit(positions))

  #isMember = false
  #isIncremental = true
  #knowsItsShare = false
  readonly #owned = new Map<string, TopicPartition>()
  readonly #paused = new Set<string>()
  /** Those that a listener is just told of, and where they will start. */
  #starting: Map<string, NativePosition> | undefined
  readonly #changes: Change[] = []

  #isPolling = false
  /** A poll takes from the queue, or waits for it; not so while it waits for a listener. */
  #isReading = false
  #consuming: Promise<void> | undefined
  /** Taken, and not to be handed over yet. */
  #held: ConsumedMessage[] = []
  /** Whose messages are not wanted when they come of the call that is under way. */
  readonly #unwanted = new Set<string>()
  /** Something was paused while a call is under way. */
  #isPausedMidway = false
  readonly #moves = new Set<Promise<void>>()
  #isSignalled = false
  #wake: () => void = () => undefined
  #looking: NodeJS.Timeout | undefined
  /** Calls of producers that use the native consumer. */
  readonly #lent = new Set<Promise<unknown>>()

  #fatal: DriverFailure | undefined
  readonly #closed = Promise.withResolvers<void>()
  #closing: Promise<void> | undefined
  #isReleased = false

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
    const callbacks = {
      rebalance_cb: this.#onRebalance,
      offset_commit_cb: this.#onCommit,
      queue_non_empty_cb: this.#signal,
    }
    this.#consumer = await connectConsumer(native, this.#options, callbacks, this.#fail)
    this.#reader = this.#consumer.getClient()
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
    this.#forget([...this.#owned.values()])
    for (const { topic, partition } of targets) this.#owned.set(nameOf({ topic, partition }), { topic, partition })
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
        if (this.#changes.length > 0) await this.#follow()
        if (this.#closing) return []
        if (this.#fatal) throw createDriverError(this.#fatal)
        this.#isReading = true
        const messages = await this.#take(maxMessages)
        if (messages.length > 0 || (isOver && this.#changes.length === 0)) return messages
        timer ??= setTimeout(() => {
          isOver = true
          this.#signal()
        }, timeoutMs)
        if (!this.#isSignalled && this.#changes.length === 0) {
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
    const owned = partitions.filter((partition) => this.#owned.has(nameOf(partition)))
    for (const partition of owned) this.#paused.add(nameOf(partition))
    if (this.#consuming) this.#isPausedMidway = true
    const started = this.#started(owned)
    if (started.length > 0) this.#call(() => this.#consumer.pause(started))
  }

  resume(partitions: readonly TopicPartition[]): void {
    const paused = partitions.filter((partition) => this.#paused.delete(nameOf(partition)))
    const started = this.#started(paused)
    if (started.length > 0) this.#call(() => this.#consumer.resume(started))
    // There may be some that are held.
    this.#signal()
  }

  async seek(position: StartPosition): Promise<void> {
    this.#refuseUseless()
    const name = nameOf(position)
    const [target] = (await this.#requests.resolve([position])) as [NativePosition]
    if (!this.#owned.has(name)) {
      throw createDriverError({ code: 'PARTITION_NOT_FOUND', reason: `${name} is not assigned` })
    }
    if (this.#starting?.has(name)) {
      this.#starting.set(name, target)
      return
    }
    this.#drop(name)
    const move = this.#move(name, target)
    this.#moves.add(move)
    await move.finally(() => this.#moves.delete(move))
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
    const positions = await this.#requests.committed(partitions)
    return positions.map(({ topic, partition, offset = -1, metadata }) => ({
      topic,
      partition,
      offset: Math.max(-1, offset),
      metadata: metadata || undefined,
    }))
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
    const foreign = this.#isMember && partitions.find((partition) => !this.#owned.has(nameOf(partition)))
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

  readonly #onRebalance = (event: NativeError | undefined, partitions: readonly NativePartition[]): void => {
    const protocol = this.#consumer.rebalanceProtocol()
    // It is not known any more while the consumer closes.
    if (protocol !== 'NONE') this.#isIncremental = protocol === 'COOPERATIVE'
    const isAssigned = event?.code === assignPartitions
    const change: Change = {
      kind: isAssigned ? 'assigned' : !this.#closing && this.#consumer.assignmentLost() ? 'lost' : 'revoked',
      partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
      isCarriedOut: false,
    }
    this.#changes.push(change)
    if (this.#closing) this.#carryOut(change)
    else this.#signal()
  }

  readonly #onCommit = (error: NativeError | undefined, positions: readonly NativePosition[]): void => {
    this.#commits.settle(error, positions)
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

  /** Tells the listener, then librdkafka. */
  async #follow(): Promise<void> {
    for (let change = this.#changes[0]; change && !this.#closing; change = this.#changes[0]) {
      try {
        await Promise.race([this.#tell(change), this.#closed.promise])
      } finally {
        this.#carryOut(change)
        this.#changes.shift()
      }
    }
  }

  async #tell({ kind, partitions }: Change): Promise<void> {
    if (kind === 'assigned') {
      this.#starting = new Map(partitions.map((partition) => [nameOf(partition), partition]))
      for (const partition of partitions) this.#owned.set(nameOf(partition), partition)
    } else if (kind === 'lost') this.#forget(partitions)
    // Rebalances that change nothing for this member come without partitions; of the first one it hears all the same.
    const isFirst = kind === 'assigned' && !this.#knowsItsShare
    this.#knowsItsShare = kind !== 'lost' && (this.#knowsItsShare || isFirst)
    if (partitions.length > 0 || isFirst) await this.#options.listener[kind](partitions)
  }

  #carryOut(change: Change): void {
    if (change.isCarriedOut) return
    change.isCarriedOut = true
    const { kind, partitions } = change
    const positions = [...(this.#starting?.values() ?? partitions)]
    this.#starting = undefined
    try {
      if (kind === 'assigned') {
        if (this.#isIncremental) this.#consumer.incrementalAssign(positions)
        else this.#consumer.assign(positions)
        const paused = partitions.filter((partition) => this.#paused.has(nameOf(partition)))
        if (paused.length > 0) this.#consumer.pause(paused)
        return
      }
      this.#forget(partitions)
      if (this.#isIncremental) this.#consumer.incrementalUnassign(partitions)
      else this.#consumer.unassign()
    } catch (error) {
      if (this.#closing) this.#giveUpAll()
      // librdkafka has moved on: the group is closed, or fatal.
      else this.#fail({ code: 'GROUP_REJOIN_REQUIRED', reason: (error as Error).message })
    }
  }

  /**
   * While it closes the binding assigns nothing, and librdkafka waits for an answer to what it has assigned, for ever. Once it knows
   * that it closes it takes this for one.
   */
  #giveUpAll(): void {
    if (this.#isReleased) return
    try {
      this.#consumer.unassign()
    } catch {
      setTimeout(() => this.#giveUpAll(), giveUpAgainMs)
    }
  }

  async #take(maxMessages: number): Promise<readonly ConsumedMessage[]> {
    while (this.#consuming) await this.#consuming
    if (this.#held.length > 0) {
      const ready = this.#held.filter((message) => !this.#paused.has(nameOf(message))).slice(0, maxMessages)
      if (ready.length > 0) {
        const taken = new Set(ready)
        this.#held = this.#held.filter((message) => !taken.has(message))
        return ready
      }
    }
    const taken: ConsumedMessage[] = []
    await this.#consume(maxMessages, taken)
    return taken
  }

  /** What there is now; without waiting. */
  async #consume(maxMessages: number, into: ConsumedMessage[]): Promise<void> {
    while (this.#moves.size > 0) await Promise.allSettled(this.#moves)
    if (this.#closing) return
    this.#isSignalled = false
    await (this.#consuming = this.#consumeOnce(maxMessages, into))
  }

  #consumeOnce(maxMessages: number, into: ConsumedMessage[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const receive = (error: NativeError | null, messages: NativeMessage[]): void => {
      this.#consuming = undefined
      if (error) {
        this.#fail(classifyErrorNumber(error.code, error.message))
        // More may be waiting behind it.
        this.#isSignalled = true
      } else if (this.#unwanted.size === 0 && !this.#isPausedMidway) {
        for (const message of messages) into.push(toConsumed(message))
      } else {
        for (const message of messages) {
          const name = nameOf(message)
          if (!this.#unwanted.has(name)) (this.#paused.has(name) ? this.#held : into).push(toConsumed(message))
        }
      }
      this.#unwanted.clear()
      this.#isPausedMidway = false
      resolve()
    }
    this.#reader.consume(0, maxMessages, false, receive)
    return promise
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
    if (!this.#isReading && !this.#consuming && this.#moves.size === 0) await this.#consume(1, this.#held)
    this.#lookForReports(Math.min(lookForReportsMs.most, Math.max(1, afterMs * 2)))
  }

  async #move(name: string, target: NativePosition): Promise<void> {
    await this.#consuming
    const giveUpAt = performance.now() + this.#options.connectTimeoutMs
    while (!this.#closing && this.#owned.has(name)) {
      try {
        return await this.#requests.seek(target)
      } catch (error) {
        const isNotReady = (error as { driverCode?: unknown }).driverCode === erroneousState
        if (!isNotReady || performance.now() > giveUpAt) throw error
        await new Promise((resolve) => setTimeout(resolve, seekAgainMs))
      }
    }
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const name = nameOf(partition)
      this.#owned.delete(name)
      this.#paused.delete(name)
      this.#drop(name)
    }
  }

  /** What was taken of a partition is not handed over. */
  #drop(name: string): void {
    if (this.#held.length > 0) this.#held = this.#held.filter((message) => nameOf(message) !== name)
    if (this.#consuming) this.#unwanted.add(name)
  }

  /** Those that librdkafka reads; for the others it is kept in mind until they start. */
  #started(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions.filter((partition) => !this.#starting?.has(nameOf(partition)))
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
    this.#closed.resolve()
    // Not before everybody sees that it closes.
    await Promise.resolve()
    for (const change of this.#changes) this.#carryOut(change)
    this.#signal()
    const patience = Promise.withResolvers<void>()
    const timer = setTimeout(patience.resolve, closeWithinMs)
    await Promise.race([this.#release(), patience.promise])
    clearTimeout(timer)
  }

  async #release(): Promise<void> {
    // A call that is under way would use the client after it is gone.
    await Promise.all([this.#requests.close(), this.#consuming, ...this.#lent])
    await new Promise<void>((resolve) => this.#consumer.disconnect(() => resolve()))
    this.#isReleased = true
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** The binding's own object, since another one for each message would cost more than all else here; only headers are changed. */
function toConsumed(message: NativeMessage): ConsumedMessage {
  const { headers } = message
  if (headers !== undefined) {
    const pairs = headers as unknown as DriverHeader[]
    for (const [index, header] of headers.entries()) {
      for (const name in header) pairs[index] = [name, header[name]!]
    }
  }
  return message as unknown as ConsumedMessage
}
