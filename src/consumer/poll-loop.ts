import type { ConsumedMessage, DriverConsumer } from '../driver/driver-consumer.ts'
import type { Assignment } from './assignment.ts'
import type { PartitionWork } from './partition-work.ts'

export interface PollLoopParts {
  readonly consumer: DriverConsumer
  readonly assignment: Assignment
  readonly failed: (thrown: unknown) => void
}

const pollMaxMessages = 1_000
const pollTimeoutMs = 100
/** A full buffer is given so long to be handled before its partition is paused: what the driver fetched ahead of it is lost then. */
const patienceMs = 50
const longestRetryMs = 5_000

/** Polls one client for as long as it lives, whatever handlers do, and gives each message to its partition. */
export class PollLoop {
  /** When a poll came back, on the clock of performance.now(). */
  lastPollAt = performance.now()
  readonly #parts: PollLoopParts
  #room = Promise.withResolvers<void>()
  #running: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(parts: PollLoopParts) {
    this.#parts = parts
  }

  start(): void {
    this.#running = this.#run()
  }

  /** What comes from here on is not wanted. Resolves once the poll that is under way has ended. */
  stop(): Promise<void> {
    this.#isOver = true
    this.#room.resolve()
    return this.#running
  }

  /** To be told when there is room again in the buffer of a partition. */
  hasRoom(work: PartitionWork): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers()
    if (!work.isHeldAtDriver || work.isEnding || this.#isOver) return
    work.isHeldAtDriver = false
    const { topic, partition } = work
    this.#parts.consumer.resume([{ topic, partition }])
  }

  async #run(): Promise<void> {
    const { consumer, failed } = this.#parts
    let failures = 0
    while (!this.#isOver) {
      try {
        const messages = await consumer.poll(pollMaxMessages, pollTimeoutMs)
        failures = 0
        this.lastPollAt = performance.now()
        if (this.#isOver) return
        this.#deliver(messages)
        await this.#holdBack()
      } catch (error) {
        if (this.#isOver) return
        failed(error)
        await delay(Math.min(longestRetryMs, 50 * 2 ** Math.min(failures++, 10)))
      }
    }
  }

  #deliver(messages: readonly ConsumedMessage[]): void {
    const touched = new Set<PartitionWork>()
    let work: PartitionWork | undefined
    for (const message of messages) {
      // Messages of a partition come in a row.
      if (work?.topic !== message.topic || work.partition !== message.partition) {
        work = this.#parts.assignment.find(message.topic, message.partition)
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
  async #holdBack(): Promise<void> {
    const { consumer, assignment } = this.#parts
    const isFull = (work: PartitionWork): boolean => work.isFull && !work.isEnding
    const full = assignment.works.filter((work) => isFull(work) && !work.isHeldAtDriver)
    if (full.length === 0) return
    let timer: NodeJS.Timeout | undefined
    let isLate = false
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs))).then(() => (isLate = true))
    while (!isLate && !this.#isOver && full.some(isFull)) await Promise.race([late, this.#room.promise])
    clearTimeout(timer)
    const still = full.filter(isFull)
    if (still.length === 0 || this.#isOver) return
    for (const work of still) work.isHeldAtDriver = true
    consumer.pause(still.map(({ topic, partition }) => ({ topic, partition })))
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
