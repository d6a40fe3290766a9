import { createDriverError } from '../driver-error.ts'
import type { CommittedPosition } from '../driver-consumer.ts'
import type { NativeError, NativePosition } from './native-module.ts'
import { toDriverError } from './to-driver-error.ts'

interface Batch {
  readonly positions: Map<number, NativePosition>
  readonly settlements: { resolve: () => void; reject: (error: Error) => void }[]
}

/**
 * Commits that wait for the broker. librdkafka reports a commit without saying which, and as failed only if all of it failed:
 * so each topic has one on the wire, and what is committed meanwhile goes with its next.
 */
export class OffsetCommits {
  readonly #hand: (positions: readonly NativePosition[]) => void
  readonly #underWay = new Map<string, Batch>()
  readonly #waiting = new Map<string, Batch>()

  /** @param hand gives them to librdkafka; what it throws fails them */
  constructor(hand: (positions: readonly NativePosition[]) => void) {
    this.#hand = hand
  }

  get areUnderWay(): boolean {
    return this.#underWay.size > 0
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    const topics = new Set(positions.map(({ topic }) => topic))
    await Promise.all(
      [...topics].map((topic) =>
        this.#add(
          topic,
          positions.filter((position) => position.topic === topic),
        ),
      ),
    )
  }

  /** What librdkafka reports. */
  settle(error: NativeError | undefined, positions: readonly NativePosition[]): void {
    // A commit that could not even be tried may be reported without partitions.
    const topics = positions.length > 0 ? new Set(positions.map(({ topic }) => topic)) : [...this.#underWay.keys()]
    for (const topic of topics) {
      const batch = this.#underWay.get(topic)
      this.#underWay.delete(topic)
      if (batch) settleBatch(batch, error && toDriverError(error))
      this.#next(topic)
    }
  }

  /** Nothing will be reported any more. */
  close(): void {
    const error = createDriverError(
      { code: 'CLOSE_TIMED_OUT', reason: 'the consumer was closed before the broker had confirmed a commit' },
      { outcome: 'unknown' },
    )
    const batches = [...this.#underWay.values(), ...this.#waiting.values()]
    this.#underWay.clear()
    this.#waiting.clear()
    for (const batch of batches) settleBatch(batch, error)
  }

  #add(topic: string, positions: readonly CommittedPosition[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let batch = this.#waiting.get(topic)
      if (!batch) this.#waiting.set(topic, (batch = { positions: new Map(), settlements: [] }))
      for (const { partition, offset, metadata } of positions) {
        batch.positions.set(partition, { topic, partition, offset, ...(metadata !== undefined && { metadata }) })
      }
      batch.settlements.push({ resolve, reject })
      this.#next(topic)
    })
  }

  #next(topic: string): void {
    const batch = this.#waiting.get(topic)
    if (!batch || this.#underWay.has(topic)) return
    this.#waiting.delete(topic)
    try {
      this.#hand([...batch.positions.values()])
      this.#underWay.set(topic, batch)
    } catch (error) {
      settleBatch(batch, toDriverError(error as NativeError))
    }
  }
}

function settleBatch({ settlements }: Batch, error: Error | undefined): void {
  for (const { resolve, reject } of settlements) {
    if (error) reject(error)
    else resolve()
  }
}
