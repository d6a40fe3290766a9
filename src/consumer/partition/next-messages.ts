import type { ConsumedMessage } from '../../driver/driver-consumer.ts'
import type { ActiveConsumer } from '../active-consumer.ts'
import { messageOverheadBytes } from './buffer-budget.ts'
import { createDueTime, createRetryDueTime, type DueTime } from './due-times.ts'
import { IncomingMessage } from '../handling/incoming-message.ts'
import type { MessageBuffer } from './message-buffer.ts'
import { ParkedKeys } from './parked-keys.ts'
import { Pauses, type Pause, type PauseListener } from './pauses.ts'
import { readRetryHeaders } from '../handling/retry-headers.ts'

export interface NextMessagesParts {
  readonly topic: string
  readonly consumer: ActiveConsumer
  readonly buffer: MessageBuffer
  /** Where a message that is not due holds the partition. */
  readonly pauses: Pauses
  /** Told when what is parked is too much for anything else to begin, and when it no longer is. Not to begin with that by itself. */
  readonly listener: PauseListener
  /** Messages begun since the first one that is not done. */
  readonly begun: () => number
  /** There may be something to take. */
  readonly goOn: () => void
}

/** What of one partition is handled next: keys whose later attempt is due, then what came, as soon as that is due. */
export class NextMessages {
  readonly #parts: NextMessagesParts
  readonly #dueTime: DueTime | undefined
  readonly #parked: ParkedKeys
  /** Held back by what is parked: nothing else begins, but that. */
  readonly #crowded: Pauses

  constructor(parts: NextMessagesParts) {
    this.#parts = parts
    const { consumer, topic, goOn, listener } = parts
    const { plan } = consumer
    const retryTopic = plan.retryTopics.find(topic)
    this.#dueTime =
      retryTopic === undefined
        ? createDueTime(plan.config, (error) => consumer.errored(error.of(plan.name)))
        : createRetryDueTime(retryTopic.delayMs)
    this.#parked = new ParkedKeys(goOn)
    this.#crowded = new Pauses(listener)
  }

  /** Messages that wait for a later attempt, their own or that of one before them. */
  get parked(): number {
    return this.#parked.length
  }

  /** What they hold in memory. */
  get parkedBytes(): number {
    return this.#parked.bytes + this.#parked.length * messageOverheadBytes
  }

  /** The timestamp of the oldest of them. */
  get oldestParked(): number | undefined {
    return this.#parked.oldestTimestamp
  }

  get pauseList(): readonly Pause[] {
    const { pause } = this.#parked
    return pause === undefined ? [] : [...this.#crowded.list, pause]
  }

  /** Whether there is a batch to take now. A message that is not due pauses the partition until it is. */
  get isReady(): boolean {
    if (this.#parked.isDue) return true
    if (this.#isCrowded() || !this.#parts.buffer.isReady) return false
    const first = this.#parts.buffer.first!
    const waitMs = this.#dueTime === undefined ? 0 : this.#dueTime(first) - Date.now()
    if (waitMs <= 0) return true
    // Timers are up to a millisecond early.
    this.#parts.pauses.add('delay', `offset ${first.offset} is not due yet`, waitMs + 1)
    return false
  }

  /** The next batch. @param begin told of each message that is begun for the first time */
  take(begin: (message: ConsumedMessage) => void): readonly IncomingMessage[] {
    if (this.#parked.isDue) return this.#parked.takeDue()
    const { plan } = this.#parts.consumer
    const retryTopic = plan.retryTopics.find(this.#parts.topic)
    return this.#parts.buffer.take((message, bytes) => {
      begin(message)
      const earlier = retryTopic && readRetryHeaders(message, retryTopic, plan.reads)
      return new IncomingMessage(message, earlier, bytes)
    }, this.#isDue)
  }

  park(message: IncomingMessage, waitMs: number): void {
    this.#parked.park(message, waitMs)
  }

  follow(message: IncomingMessage): boolean {
    return this.#parked.follow(message)
  }

  /** What is parked is not to be handled here any more. */
  takeParked(): readonly ConsumedMessage[] {
    this.#crowded.clear()
    return this.#parked.takeAll().map(({ raw }) => raw)
  }

  /** Neither the memory nor what a crash would repeat may grow without bound. */
  #isCrowded(): boolean {
    const { retryAheadMax, bufferMaxBytes } = this.#parts.consumer.plan.config
    const { length, bytes } = this.#parked
    if (length === 0 || (this.#parts.begun() < retryAheadMax && bytes < bufferMaxBytes)) {
      this.#crowded.clear()
      return false
    }
    this.#crowded.add('retry', `${length} messages wait for a later attempt: no more may be begun before`)
    return true
  }

  readonly #isDue = (message: ConsumedMessage): boolean =>
    this.#dueTime === undefined || this.#dueTime(message) <= Date.now()
}
