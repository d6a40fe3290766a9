import { Distribution } from './distribution.ts'
import type { MetricTag } from './metrics.ts'
import { ValueSample } from './value-sample.ts'

export type TagValues = Readonly<Partial<Record<MetricTag, string>>>

/** One metric with one set of tag values: all of it, and what came since it was last taken. */
export interface MetricSeries {
  readonly tags: TagValues
  add(amount: number): void
}

export class CounterSeries implements MetricSeries {
  readonly tags: TagValues
  total = 0
  #taken = 0

  constructor(tags: TagValues) {
    this.tags = tags
  }

  add(amount: number): void {
    this.total += amount
  }

  /** What was added since the last call, so that the sums of all calls are the total. */
  take(): number {
    const since = this.total - this.#taken
    this.#taken = this.total
    return since
  }
}

export class DistributionSeries implements MetricSeries {
  readonly tags: TagValues
  // Each value is recorded once; taking moves them over, which is rare.
  readonly #recent = new Distribution()
  readonly #taken = new Distribution()
  /** Single values; undefined where nobody wants any. */
  readonly sample: ValueSample | undefined

  /** @param sampleRate the part of the values that is kept as they are; default: none */
  constructor(tags: TagValues, sampleRate = 0) {
    this.tags = tags
    this.sample = sampleRate === 0 ? undefined : new ValueSample(sampleRate)
  }

  add(amount: number): void {
    this.#recent.record(amount)
    this.sample?.offer(amount)
  }

  /** Everything since the start. */
  get total(): Distribution {
    const total = new Distribution()
    total.add(this.#taken)
    total.add(this.#recent)
    return total
  }

  /** What was recorded since the last call. */
  take(): Distribution {
    const since = new Distribution()
    since.add(this.#recent)
    this.#taken.add(this.#recent)
    this.#recent.reset()
    return since
  }
}
