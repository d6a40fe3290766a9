import type { DriverConsumer } from '../../driver/driver-consumer.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ActiveConsumer } from '../active-consumer.ts'
import { measurePauses } from './measure-pauses.ts'
import type { PartitionWork } from '../partition/partition-work.ts'

export interface LagWatchParts {
  readonly consumers: readonly ActiveConsumer[]
  readonly works: () => readonly PartitionWork[]
  /** undefined while there is none. */
  readonly consumer: () => DriverConsumer | undefined
  /** A partition gives nothing though it has something. */
  readonly stuck: (error: MessagingError) => void
  readonly failed: (error: unknown) => void
}

export interface LagWatch {
  stop(): void
}

/** Measures on an interval how far partitions are behind, and whether messages still come. @param intervalMs 0: never */
export function startLagWatch(intervalMs: number, parts: LagWatchParts): LagWatch | undefined {
  if (intervalMs === 0) return undefined
  const measuring = new LagMeasuring(parts)
  const timer = setInterval(() => void measuring.run(), intervalMs)
  return { stop: () => clearInterval(timer) }
}

interface Behind {
  readonly nextOffset: number
  /** The end when it was seen first. */
  readonly high: number
  readonly since: number
  replacedAt: number | undefined
}

class LagMeasuring {
  readonly #parts: LagWatchParts
  /**
   * Partitions that give nothing though the end is further on. That alone says little: the rest may be markers of transactions, which
   * no consumer gets. Only where the end moves on meanwhile something is wrong, and for one place a client is replaced once.
   */
  readonly #behind = new Map<string, Behind>()
  #isRunning = false

  constructor(parts: LagWatchParts) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    measurePauses(this.#parts.consumers, this.#parts.works())
    if (this.#isRunning) return
    this.#isRunning = true
    const consumer = this.#parts.consumer()
    try {
      for (const work of consumer ? this.#parts.works() : []) await this.#measure(consumer!, work)
    } catch (error) {
      // One that was closed meanwhile refuses, which is no trouble.
      if (this.#parts.consumer() === consumer) this.#parts.failed(error)
    } finally {
      this.#isRunning = false
    }
  }

  async #measure(consumer: DriverConsumer, work: PartitionWork): Promise<void> {
    const { topic, partition } = work
    const { low, high } = await consumer.watermarks({ topic, partition })
    work.firstOffset ??= await startOf(consumer, work, low)
    work.nextOffset ??= work.firstOffset
    const done = work.progress.reached ?? work.progress.committed ?? work.firstOffset
    if (work.isEnding || done === undefined || work.nextOffset === undefined) return
    const lag = Math.max(0, high - done)
    work.lag = lag
    const { oldestTimestamp } = work
    const oldestAgeMs =
      oldestTimestamp === undefined || oldestTimestamp < 0 ? 0 : Math.max(0, Date.now() - oldestTimestamp)
    work.consumer.ledger.publish('partition.measured', () => ({ topic, partition, lag, oldestAgeMs }))
    this.#look(work, work.nextOffset, high)
  }

  #look(work: PartitionWork, nextOffset: number, high: number): void {
    const { config, name: manifest } = work.consumer.plan
    const partition = `partition ${work.partition} of ${work.topic}`
    const isWaiting = work.buffered > 0 || work.isRunning || work.isHeldBack || work.isPaused
    if (isWaiting || nextOffset >= high) {
      this.#behind.delete(partition)
      return
    }
    const now = performance.now()
    const seen = this.#behind.get(partition)
    if (seen?.nextOffset !== nextOffset) {
      this.#behind.set(partition, { nextOffset, high, since: now, replacedAt: undefined })
      return
    }
    const durationMs = Math.round(now - seen.since)
    if (high === seen.high || durationMs < config.stuckMs) return
    if (seen.replacedAt !== undefined) {
      // The new client had as long as the one before.
      if (!work.isStuck && now - seen.replacedAt >= config.stuckMs) work.stuckSince = now
      return
    }
    seen.replacedAt = now
    const parameters = { manifest, partition, durationMs, lag: high - nextOffset }
    this.#parts.stuck(new MessagingError('CONSUMER_STUCK', parameters, { manifest, topic: work.topic }))
  }
}

/** Where the driver began to read; undefined where that cannot be known. */
async function startOf(consumer: DriverConsumer, work: PartitionWork, low: number): Promise<number | undefined> {
  const { topic, partition } = work
  const { group, config } = work.consumer.plan
  if (group !== '' && config.startPolicy !== 'always') {
    const [known] = await consumer.committed([{ topic, partition }])
    const offset = known?.offset ?? -1
    if (offset >= 0) return offset
  }
  return config.startFrom === 'earliest' ? low : undefined
}
