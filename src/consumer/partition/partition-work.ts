import type { ConsumedMessage, DriverConsumer } from '../../driver/driver-consumer.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { HandlerContext } from '../../factory/consumer-manifest.ts'
import type { Transaction } from '../../factory/transaction.ts'
import { withinTime } from '../../timing/within-time.ts'
import type { ActiveConsumer } from '../active-consumer.ts'
import type { AssignedPartition } from '../handling/assigned-partition.ts'
import type { BufferBudget } from './buffer-budget.ts'
import { isDoneAhead } from './done-ahead.ts'
import { handleBatch } from '../handling/handle-batch.ts'
import { handleBatchInTransactions } from '../handling/handle-batch-in-transaction.ts'
import { handleByKey, handleInOrder } from '../handling/handle-messages.ts'
import type { IncomingMessage } from '../handling/incoming-message.ts'
import { MessageBuffer } from './message-buffer.ts'
import { NextMessages } from './next-messages.ts'
import { PartitionProgress } from './partition-progress.ts'
import { PartitionTransactions, refuseTransaction } from './partition-transactions.ts'
import { PartitionTurn } from './partition-turn.ts'
import { Pauses, type Pause, type PauseListener } from './pauses.ts'
import { ReadAhead } from './read-ahead.ts'

export interface PartitionHost {
  /** Commits what is done, of all partitions. @throws COMMIT_FAILED */
  commit(): Promise<void>
  /** Resolves when no commit is under way. */
  commitsSettled(): Promise<void>
  /** undefined while there is none. */
  consumer(): DriverConsumer | undefined
  /** What the partitions of the member hold together. */
  readonly budget: BufferBudget
}

/** One assigned partition: what waits, what runs, what is done. It ends with the assignment. */
export class PartitionWork implements AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly consumer: ActiveConsumer
  readonly pauses: Pauses
  readonly context: HandlerContext
  readonly progress: PartitionProgress
  /** How far it is read ahead. */
  readonly readAhead: ReadAhead
  /** When something came or was done, on the clock of performance.now(). */
  lastProgressAt = performance.now()
  /** When its handler began or last got something done, on the same clock; undefined while none runs. */
  handlingSince: number | undefined
  /** When a second client, too, had got nothing for stuckMs though messages are there. */
  stuckSince: number | undefined
  /** Messages that are there and not done, as last measured. */
  lag: number | undefined
  /** The offset that comes next from the driver; undefined while nothing came. */
  nextOffset: number | undefined
  /** The one that came first, or would have. */
  firstOffset: number | undefined
  readonly transact: AssignedPartition['transact']
  readonly #transactions: PartitionTransactions | undefined
  readonly #host: PartitionHost
  readonly #buffer: MessageBuffer
  readonly #next: NextMessages
  readonly #turn: PartitionTurn
  readonly #abort = new AbortController()
  readonly #ending = new AbortController()
  #isEnding = false
  #isMoving = false
  /** Taken by the handler. */
  #inHand: readonly IncomingMessage[] = []
  /** Taken and not done when a move began. */
  #left: readonly ConsumedMessage[] = []
  #isRunning = false
  #idle = Promise.withResolvers<void>()
  #doneMessages = 0
  #doneBytes = 0

  constructor(topic: string, partition: number, consumer: ActiveConsumer, host: PartitionHost) {
    this.topic = topic
    this.partition = partition
    this.consumer = consumer
    this.#host = host
    const { plan, ledger } = consumer
    this.progress = new PartitionProgress(isDoneAhead(plan))
    this.#turn = new PartitionTurn(consumer.slots, () => this.isEnding)
    this.readAhead = new ReadAhead(host.budget, plan.config, () => this.#next.parkedBytes)
    this.#buffer = new MessageBuffer(plan.config, plan.manifest.handleBatch !== undefined, () => this.goOn())
    const listener: PauseListener = {
      paused: ({ owner, reason }) => ledger.publish('partition.paused', () => ({ topic, partition, owner, reason })),
      resumed: ({ owner }, durationMs) =>
        ledger.publish('partition.resumed', () => ({ topic, partition, owner, durationMs })),
    }
    this.pauses = new Pauses({
      paused: (pause) => listener.paused(pause),
      resumed: (pause, durationMs) => {
        listener.resumed(pause, durationMs)
        this.goOn()
      },
    })
    this.#next = new NextMessages({
      topic,
      consumer,
      buffer: this.#buffer,
      pauses: this.pauses,
      listener,
      begun: () => this.progress.begun,
      goOn: () => this.goOn(),
    })
    this.context = {
      manifest: plan.name,
      group: plan.group,
      topic,
      partition,
      ending: this.#ending.signal,
      signal: this.#abort.signal,
      pause: (durationMs, reason) => {
        if (!this.#isEnding) this.pauses.add('handler', reason, durationMs)
      },
      commit: ({ offset }, transaction) => this.#commitUpTo(offset, transaction),
      transaction: refuseTransaction(plan.name, plan.config.commit),
    }
    const transactions = this.#createTransactions()
    this.#transactions = transactions
    this.transact =
      transactions && ((messages, transacted) => transactions.run(messages.at(-1)!.offset + 1, transacted))
    this.#idle.resolve()
    consumer.works.add(this)
  }

  get isPaused(): boolean {
    return this.pauses.isPaused || this.consumer.pauses.isPaused
  }

  /** What was taken is left: the partition is given up, or goes on elsewhere. */
  get isEnding(): boolean {
    return this.#isEnding || this.#isMoving
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get isStuck(): boolean {
    return this.stuckSince !== undefined && this.lastProgressAt < this.stuckSince
  }

  /** The driver reads no more of it, since it holds enough. */
  get isHeldBack(): boolean {
    return this.readAhead.isHeldBack
  }

  get buffered(): number {
    return this.#buffer.length
  }

  /** What it waits for, and why it is held back. */
  get pauseList(): readonly Pause[] {
    return [...this.pauses.list, ...this.#turn.waits, ...this.#next.pauseList]
  }

  /** Its offset is with a transaction. */
  get isInTransaction(): boolean {
    return this.#transactions?.isOpen === true
  }

  /** Of what is here and not done. */
  get oldestTimestamp(): number | undefined {
    const next = this.#inHand.find(({ isDone }) => !isDone)?.timestamp ?? this.#buffer.first?.timestamp
    const { oldestParked } = this.#next
    return next === undefined || (oldestParked !== undefined && oldestParked < next) ? oldestParked : next
  }

  add(message: ConsumedMessage): void {
    if (this.#isEnding) return
    this.firstOffset ??= message.offset
    this.nextOffset = message.offset + 1
    if (this.progress.isDone(message.offset)) return
    this.readAhead.add(this.#buffer.add(message))
  }

  /** Nothing more comes of it until it is resumed. */
  holdBack(): void {
    this.readAhead.holdBack()
    this.#buffer.isClosed = true
    this.goOn()
  }

  resume(): void {
    this.readAhead.resume()
    this.#buffer.isClosed = false
  }

  /** Begins with what is there, unless it is held back. */
  goOn(): void {
    this.#turn.changed()
    if (this.#isRunning || this.isEnding || this.isPaused || !this.#next.isReady) return
    this.#isRunning = true
    this.#idle = Promise.withResolvers()
    void this.#run()
  }

  /** Drops what waits, lets what runs end, and goes on with what the driver reads after `move`. */
  async moveBy(move: () => Promise<void>): Promise<void> {
    this.#isMoving = true
    // What waits in the middle of a batch looks at it now.
    this.goOn()
    try {
      await this.#idle.promise
      await move()
      this.#buffer.clear()
      this.#next.takeParked()
      this.readAhead.clear()
      this.pauses.remove('delay')
      this.progress.restart()
      this.firstOffset = this.nextOffset = undefined
    } catch (error) {
      // It goes on where it was.
      this.progress.forgetUnfinished()
      const left = new Map([...this.#next.takeParked(), ...this.#left].map((message) => [message.offset, message]))
      this.#buffer.putBack([...left.values()].toSorted((a, b) => a.offset - b.offset))
      throw error
    } finally {
      this.#left = []
      this.#isMoving = false
      this.goOn()
    }
  }

  /** Lets what runs come to an end, at most so long, and aborts it then. Nothing begins any more. */
  async end(timeoutMs: number): Promise<void> {
    this.#isEnding = true
    this.#ending.abort(new DOMException('the partition is about to be given up', 'AbortError'))
    this.#buffer.clear()
    this.pauses.clear()
    this.goOn()
    if (this.#isRunning && timeoutMs > 0) await withinTime(this.#idle.promise, timeoutMs)
    this.abort()
  }

  /** From here on nothing of it is committed that was not done before. */
  abort(): void {
    this.#isEnding = true
    this.#ending.abort()
    this.progress.freeze((begun) => (this.#isRunning ? begun - this.#next.parked : 0))
    this.#next.takeParked()
    this.#buffer.clear()
    this.readAhead.clear()
    this.pauses.clear()
    this.consumer.works.delete(this)
    this.#abort.abort(new DOMException('the partition was taken away', 'AbortError'))
    this.goOn()
  }

  done(message: IncomingMessage, at = performance.now()): Promise<void> | undefined {
    if (this.progress.isFrozen) return undefined
    message.isDone = true
    this.#doneMessages++
    this.#doneBytes += message.bytes
    this.readAhead.done(message.bytes)
    this.lastProgressAt = this.handlingSince = at
    const { commit } = this.consumer.plan.config
    if (commit === 'interval' || commit === 'transaction') this.progress.done(message.offset)
    else if (commit === 'each') {
      this.progress.done(message.offset)
      // A failure has been told by then, and the next commit tries again.
      return this.#host.commit().catch(() => undefined)
    }
    return undefined
  }

  occupy(): Promise<void> | undefined {
    return this.#turn.occupy()
  }

  vacate(): void {
    this.#turn.vacate()
  }

  async pauseOver(): Promise<void> {
    await this.#turn.pauseOver(() => this.isPaused)
    this.handlingSince = performance.now()
  }

  async wait(owner: 'retry' | 'dead-letter' | 'throttle', reason: string, durationMs: number): Promise<void> {
    await this.#turn.wait(owner, reason, durationMs)
    this.handlingSince = performance.now()
  }

  park(message: IncomingMessage, waitMs: number): void {
    this.#next.park(message, waitMs)
  }

  follow(message: IncomingMessage): boolean {
    return this.#next.follow(message)
  }

  readonly #begin = ({ offset }: ConsumedMessage): void => {
    if (this.consumer.plan.config.commit !== 'manual') this.progress.begin(offset)
  }

  leave(): void {
    this.#isEnding = true
  }

  #createTransactions(): PartitionTransactions | undefined {
    const { topic, partition } = this
    const { transactions: runner, plan, ledger } = this.consumer
    if (runner === undefined) return undefined
    return new PartitionTransactions({
      topic,
      partition,
      runner,
      consumer: () => this.#host.consumer(),
      signal: this.#abort.signal,
      commitsSettled: () => this.#host.commitsSettled(),
      onUncertain: (error) => this.consumer.errored(error.of(plan.name)),
      onCommitted: (offset) => {
        this.progress.doneUpTo(offset - 1)
        this.progress.committed = offset
        ledger.publish('offset.committed', () => ({ topic, partition, offset }))
      },
    })
  }

  async #run(): Promise<void> {
    do {
      const waiting = this.occupy()
      if (waiting) await waiting
      if (!this.isEnding && !this.isPaused) await this.#handle(this.#next.take(this.#begin))
      this.vacate()
    } while (!this.isEnding && !this.isPaused && this.#next.isReady)
    this.#isRunning = false
    this.#idle.resolve()
  }

  async #handle(messages: readonly IncomingMessage[]): Promise<void> {
    const { config, manifest } = this.consumer.plan
    const startedAt = performance.now()
    this.handlingSince = startedAt
    this.#inHand = messages
    if (config.commit === 'before') {
      for (const { offset } of messages) this.progress.done(offset)
      // Not before the broker has it: they would be handled twice.
      if (!(await this.#isCommitted())) {
        this.#inHand = []
        this.#left = messages.map((message) => message.raw)
        return
      }
    }
    if (manifest.handleBatch !== undefined && this.transact !== undefined)
      await handleBatchInTransactions(this, messages, this.transact)
    else if (manifest.handleBatch !== undefined) await handleBatch(this, messages)
    else if (config.keyConcurrency > 1) await handleByKey(this, messages, config.keyConcurrency)
    else await handleInOrder(this, messages)
    this.handlingSince = undefined
    this.#inHand = []
    if (this.#isMoving) this.#left = messages.filter(({ isDone }) => !isDone).map((message) => message.raw)
    this.#publishHandled(performance.now() - startedAt)
  }

  async #isCommitted(): Promise<boolean> {
    for (let attempt = 1; !this.isEnding; attempt++) {
      try {
        await this.#host.commit()
        return true
      } catch {
        await this.wait('retry', 'the commit failed', Math.min(5_000, 100 * 2 ** attempt))
      }
    }
    return false
  }

  async #commitUpTo(offset: number, transaction: Transaction | undefined): Promise<void> {
    this.#abort.signal.throwIfAborted()
    const { commit } = this.consumer.plan.config
    if (commit !== 'manual') {
      const reason = `the consumer commits by itself (commit: '${commit}')`
      throw new MessagingError('INPUT_INVALID', { source: 'context.commit()', reason }, { topic: this.topic })
    }
    if (transaction !== undefined) {
      const { topic, partition } = this
      await this.#host.commitsSettled()
      this.#abort.signal.throwIfAborted()
      await transaction.sendOffsets([{ topic, partition, offset: offset + 1 }], this.#host.consumer())
      this.#abort.signal.throwIfAborted()
      this.progress.transactedUpTo(offset)
      return
    }
    this.progress.doneUpTo(offset)
    await this.#host.commit()
  }

  #publishHandled(durationMs: number): void {
    const { topic, partition } = this
    const [messages, bytes] = [this.#doneMessages, this.#doneBytes]
    this.#doneMessages = this.#doneBytes = 0
    if (messages === 0) return
    this.consumer.ledger.handled += messages
    this.consumer.ledger.publish('batch.handled', () => ({ topic, partition, messages, bytes, durationMs }))
  }
}
