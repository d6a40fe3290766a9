import type { MessagingError } from '../errors/messaging-error.ts'
import type { MetricSeries } from './metric-series.ts'
import type { EventMetric, MetricTag } from './metrics.ts'

/** What tags are read from; every event has some of it. */
export interface TaggedPayload {
  readonly manifest?: string
  readonly topic?: string | undefined
  readonly driver?: string
  readonly source?: string
  readonly owner?: string
  readonly thread?: string
  readonly broker?: string
  readonly error?: MessagingError
}

type TupleMap = Map<string, TupleMap | readonly MetricSeries[]>

/**
 * Adds the events of one name to the metrics that they feed.
 * A set of tag values is looked up by the strings themselves, level by level: no text is put together for each message.
 */
export class EventFeed {
  readonly #metrics: readonly EventMetric[]
  readonly #tags: readonly MetricTag[]
  readonly #seriesFor: (values: readonly string[]) => readonly MetricSeries[]
  readonly #maxTuples: number
  readonly #root: TupleMap = new Map()
  #tuples = 0
  #other: readonly MetricSeries[] | undefined

  /**
   * @param metrics the rows of the table that this event feeds
   * @param tags all tags of these rows, in the order of the values given to `seriesFor`
   * @param seriesFor makes the series of a new set of tag values, one for each of `metrics`
   * @param maxTuples sets of tag values that are told apart; what comes after counts as `other`
   */
  constructor(
    metrics: readonly EventMetric[],
    tags: readonly MetricTag[],
    seriesFor: (values: readonly string[]) => readonly MetricSeries[],
    maxTuples: number,
  ) {
    this.#metrics = metrics
    this.#tags = tags
    this.#seriesFor = seriesFor
    this.#maxTuples = maxTuples
  }

  record(payload: TaggedPayload): void {
    this.recordTo(this.seriesOf(payload), payload)
  }

  /** Adds an event to series that were looked up before, by `seriesOf`. */
  recordTo(series: readonly MetricSeries[], payload: TaggedPayload): void {
    for (let index = 0; index < series.length; index++) {
      const { value } = this.#metrics[index]!
      const amount = value === undefined ? 1 : value(payload as never)
      if (amount !== undefined) series[index]!.add(amount)
    }
  }

  /** The series for the tag values of a payload, one for each metric; other values in it do not matter. */
  seriesOf(payload: TaggedPayload): readonly MetricSeries[] {
    let level: TupleMap | readonly MetricSeries[] | undefined = this.#root
    for (const tag of this.#tags) {
      level = (level as TupleMap).get(readTag(tag, payload))
      if (level === undefined) return this.#intern(payload)
    }
    return level as readonly MetricSeries[]
  }

  #intern(payload: TaggedPayload): readonly MetricSeries[] {
    if (this.#tuples >= this.#maxTuples) return (this.#other ??= this.#seriesFor(this.#tags.map(() => 'other')))
    this.#tuples++
    const values = this.#tags.map((tag) => readTag(tag, payload))
    let level = this.#root
    for (const value of values.slice(0, -1)) {
      const next = (level.get(value) as TupleMap | undefined) ?? new Map()
      level.set(value, next)
      level = next
    }
    const series = this.#seriesFor(values)
    level.set(values.at(-1)!, series)
    return series
  }
}

function readTag(tag: MetricTag, payload: TaggedPayload): string {
  return (tag === 'code' ? payload.error?.code : payload[tag]) ?? 'none'
}
