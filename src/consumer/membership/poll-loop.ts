import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumedMessage, DriverConsumer } from '../../driver/driver-consumer.ts'
import { withinTime } from '../../timing/within-time.ts'
import type { Assignment } from './assignment.ts'
import type { BufferBudget } from '../partition/buffer-budget.ts'
import type { PartitionWork } from '../partition/partition-work.ts'
import type { ReadAhead } from '../partition/read-ahead.ts'

export interface PollLoopParts {
  readonly consumer: DriverConsumer
  readonly assignment: Assignment
  readonly budget: BufferBudget
  readonly failed: (thrown: unknown) => void
}

const pollTimeoutMs = 100
/**
 * Who holds enough is given so long to be handled before it is paused, since what the driver fetched ahead is lost then: a little while
 * another one has nothing to do, longer where nobody waits for messages or nobody may have any.
 */
const patienceMs = { urgent: 50, longest: 1_000 }
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
    this.#parts.budget.onFreed = undefined
    this.#room.resolve()
    return this.#running
  }

  async #run(): Promise<void> {
    const { failed } = this.#parts
    let failures = 0
    let next: Promise<readonly ConsumedMessage[]> | undefined
    while (!this.#isOver) {
      try {
        const polling = next ?? this.#poll()
        next = undefined
        const messages = await polling
        failures = 0
        this.lastPollAt = performance.now()
        if (this.#isOver) return
        const works = this.#deliver(messages)
        // The driver gathers what comes next while handlers run; not so where one has enough, and so may be paused.
        if (this.#full().length === 0) {
          next = this.#poll()
          // Heard when its turn comes.
          next.catch(() => undefined)
        }
        for (const work of works) work.goOn()
        await this.#holdBack()
      } catch (error) {
        if (this.#isOver) break
        failed(error)
        await delay(Math.min(longestRetryMs, 50 * 2 ** Math.min(failures++, 10)))
      }
    }
    await next?.catch(() => undefined)
  }

  async #poll(): Promise<readonly ConsumedMessage[]> {
    const { consumer, budget } = this.#parts
    return consumer.poll(budget.pollSize(readAheadOf(this.#works())), pollTimeoutMs)
  }

  /** To the partitions; those that got some have not begun with them. */
  #deliver(messages: readonly ConsumedMessage[]): ReadonlySet<PartitionWork> {
    const { assignment, budget } = this.#parts
    const usedBefore = budget.used
    const touched = new Set<PartitionWork>()
    let work: PartitionWork | undefined
    for (const message of messages) {
      // Messages of a partition come in a row.
      if (work?.topic !== message.topic || work.partition !== message.partition) {
        work = assignment.find(message)
        if (work) touched.add(work)
      }
      work?.add(message)
    }
    budget.polled(messages.length, budget.used - usedBefore)
    for (const each of touched) each.lastProgressAt = this.lastPollAt
    return touched
  }

  /** Waits a little for those that hold enough; who still does then is paused, so that the others go on. */
  async #holdBack(): Promise<void> {
    const { consumer } = this.#parts
    const since = performance.now()
    for (let full = this.#full(); full.length > 0 && !this.#isOver; full = this.#full()) {
      const leftMs = since + this.#patienceMs() - performance.now()
      if (leftMs > 0) {
        await withinTime(this.#freed(), leftMs)
        continue
      }
      for (const work of full) work.holdBack()
      consumer.pause(full.map(({ topic, partition }) => ({ topic, partition })))
    }
    if (this.#parts.assignment.works.some((work) => work.isHeldBack)) this.#resume()
  }

  #patienceMs(): number {
    const isHungry = ({ readAhead }: PartitionWork): boolean => readAhead.held === 0 && !readAhead.isHeldBack
    return !this.#parts.budget.isFull && this.#works().some(isHungry) ? patienceMs.urgent : patienceMs.longest
  }

  #full(): PartitionWork[] {
    const works = this.#works()
    const limit = this.#parts.budget.limit(readAheadOf(works))
    return works.filter(({ readAhead }) => !readAhead.isHeldBack && readAhead.isEnough(limit))
  }

  #works(): PartitionWork[] {
    return this.#parts.assignment.works.filter((work) => !work.isEnding)
  }

  /** Resolves when something was given back, and those were resumed that have room again. */
  #freed(): Promise<void> {
    this.#parts.budget.onFreed ??= () =>
      // Once for all that is done in a turn.
      setImmediate(() => {
        this.#resume()
        this.#room.resolve()
        this.#room = Promise.withResolvers()
      })
    return this.#room.promise
  }

  #resume(): void {
    if (this.#isOver) return
    const { budget, consumer } = this.#parts
    const works = this.#works()
    const limit = budget.limit(readAheadOf(works))
    const held = works.filter((work) => work.isHeldBack)
    const low = held.filter(({ readAhead }) => readAhead.isLow(limit))
    for (const work of low) work.resume()
    if (low.length > 0) consumer.resume(low.map(({ topic, partition }) => ({ topic, partition })))
    if (low.length < held.length) void this.#freed()
  }
}

function readAheadOf(works: readonly PartitionWork[]): ReadAhead[] {
  return works.map(({ readAhead }) => readAhead)
}
