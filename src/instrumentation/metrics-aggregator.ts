import { EventFeed, type TaggedPayload } from './event-feed.ts'
import { subscribe, type EventName } from './events.ts'
import type { Instrument } from './instrument.ts'
import { MessageMeter, meteredEvents } from './message-meter.ts'
import { CounterSeries, DistributionSeries, type TagValues } from './metric-series.ts'
import { metricRows, type ClientLoad, type EventMetric, type MetricName, type MetricTag } from './metrics.ts'

export interface MetricsAggregatorOptions {
  /** The messaging instance whose events count. */
  readonly instance: string
  /** The clients that are open now, for the gauges. */
  readonly clients: () => readonly ClientLoad[]
  /** Sets of tag values that each event tells apart; further ones are counted together as `other`. Default 1000. */
  readonly maxTuples?: number
  /** The part of the values of distributions that is kept as they are, for a reader that takes them. Default 0. */
  readonly sampleRate?: number
}

type Series = CounterSeries | DistributionSeries

/**
 * Counts the events of one messaging instance in the process, by the table of metrics; opens nothing.
 * Messages sent and acknowledged come from meters, one for each producer; all else is heard on the channels.
 */
export class MetricsAggregator implements Instrument {
  readonly #series = new Map<MetricName, Map<string, Series>>(metricRows.map(([name]) => [name, new Map()]))
  readonly #clients: () => readonly ClientLoad[]
  readonly #drivers = new Set<string>()
  readonly #instance: string
  readonly #sampleRate: number
  readonly #feeds = new Map<EventName, EventFeed>()
  readonly #unsubscribe: (() => void)[] = []

  constructor({ instance, clients, maxTuples = 1000, sampleRate = 0 }: MetricsAggregatorOptions) {
    this.#clients = clients
    this.#instance = instance
    this.#sampleRate = sampleRate
    const byEvent = new Map<EventName, [MetricName, EventMetric][]>()
    for (const [name, metric] of metricRows) {
      if (metric.type === 'gauge') continue
      const rows = byEvent.get(metric.event) ?? []
      rows.push([name, metric])
      byEvent.set(metric.event, rows)
    }
    for (const [event, rows] of byEvent) {
      const tags = [...new Set(rows.flatMap(([, metric]) => metric.tags))]
      const seriesFor = (values: readonly string[]): readonly Series[] =>
        rows.map(([name, metric]) => this.#seriesOf(name, metric, tags, values))
      const feed = new EventFeed(
        rows.map(([, metric]) => metric),
        tags,
        seriesFor,
        maxTuples,
      )
      this.#feeds.set(event, feed)
      if (meteredEvents.has(event)) continue
      const record = (payload: TaggedPayload & { readonly instance: string }): void => {
        if (payload.instance === instance) feed.record(payload)
      }
      this.#unsubscribe.push(subscribe(event, record))
    }
  }

  /** Counts what one producer tells it of each message. */
  meterOf(manifest: string, topic: string): MessageMeter {
    return new MessageMeter((event) => this.#feeds.get(event)!, this.#instance, manifest, topic)
  }

  /** What is known of a counter or a distribution, one series for each set of tag values seen so far. */
  seriesOf(name: MetricName): readonly Series[] {
    return [...(this.#series.get(name)?.values() ?? [])]
  }

  /** By driver the sum of what `read` finds in its open clients. */
  gauge(read: (client: ClientLoad) => number): readonly { readonly tags: TagValues; readonly value: number }[] {
    // A driver whose clients are closed is at 0: who keeps the last value it was told would show it forever.
    const byDriver = new Map(Array.from(this.#drivers, (driver) => [driver, 0]))
    for (const client of this.#clients()) {
      this.#drivers.add(client.driver)
      byDriver.set(client.driver, (byDriver.get(client.driver) ?? 0) + read(client))
    }
    return Array.from(byDriver, ([driver, value]) => ({ tags: { driver }, value }))
  }

  /** Counts no more; what was counted can still be read. */
  close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    return Promise.resolve()
  }

  #seriesOf(name: MetricName, metric: EventMetric, tags: readonly MetricTag[], values: readonly string[]): Series {
    const ownTags = Object.fromEntries(metric.tags.map((tag) => [tag, values[tags.indexOf(tag)]!])) as TagValues
    const key = JSON.stringify(ownTags)
    const known = this.#series.get(name)!
    let series = known.get(key)
    if (series === undefined) {
      series =
        metric.type === 'counter' ? new CounterSeries(ownTags) : new DistributionSeries(ownTags, this.#sampleRate)
      known.set(key, series)
    }
    return series
  }
}
