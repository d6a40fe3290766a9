import { CounterSeries, type TagValues } from './metric-series.ts'
import type { MetricsAggregator } from './metrics-aggregator.ts'
import { metricRows } from './metrics.ts'

export interface StatsdSample {
  readonly type: 'count' | 'gauge' | 'value'
  readonly name: string
  readonly value: number
  readonly tags: TagValues
  /** Of a `value`: which part of all values is sent. */
  readonly rate?: number
}

/** What is said of a distribution, besides its count and sum. */
export const percentiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/**
 * Takes what was counted since the last call; only one reader may do so.
 * A distribution becomes counters (`.count`, `.sum`), which add up exactly over intervals and processes, and gauges of this
 * interval (`.p50`, `.p95`, `.p99`, `.max`). Where a sample rate is set, the values that were drawn come with it, for daemons that
 * make percentiles over processes of them.
 */
export function takeStatsdSamples(aggregator: MetricsAggregator): StatsdSample[] {
  const samples: StatsdSample[] = []
  for (const [name, metric] of metricRows) {
    if (metric.type === 'gauge') {
      for (const { tags, value } of aggregator.gauge(metric.read)) samples.push({ type: 'gauge', name, value, tags })
      continue
    }
    for (const series of aggregator.seriesOf(name)) {
      const { tags } = series
      if (series instanceof CounterSeries) {
        const value = series.take()
        if (value > 0) samples.push({ type: 'count', name, value, tags })
        continue
      }
      const since = series.take()
      if (since.count === 0) continue
      samples.push({ type: 'count', name: `${name}.count`, value: since.count, tags })
      samples.push({ type: 'count', name: `${name}.sum`, value: rounded(since.sum), tags })
      for (const [suffix, share] of Object.entries(percentiles)) {
        samples.push({ type: 'gauge', name: `${name}.${suffix}`, value: rounded(since.percentile(share)), tags })
      }
      samples.push({ type: 'gauge', name: `${name}.max`, value: rounded(since.max), tags })
      if (series.sample === undefined) continue
      const { values, rate } = series.sample.take()
      for (const value of values) samples.push({ type: 'value', name, value: rounded(value), tags, rate })
    }
  }
  return samples
}

/** The clock knows microseconds; further digits only make lines longer, and an exponent is not understood by all daemons. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
