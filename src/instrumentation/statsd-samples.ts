import { CounterSeries, type TagValues } from './metric-series.ts'
import type { MetricsAggregator } from './metrics-aggregator.ts'
import { metricRows } from './metrics.ts'

export interface StatsdSample {
  readonly type: 'count' | 'gauge'
  readonly name: string
  readonly value: number
  readonly tags: TagValues
}

/** What is said of a distribution, besides its count and sum. */
export const percentiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/**
 * Takes what was counted since the last call; only one reader may do so.
 * A distribution becomes counters (`.count`, `.sum`), which add up exactly over intervals and processes, and gauges of this
 * interval (`.p50`, `.p95`, `.p99`, `.max`). The value of every message would be exact too, and cost a line for each;
 * values with a sample rate are rounded by the daemons, so that their count would not add up.
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
    }
  }
  return samples
}

/** The clock knows microseconds; further digits only make lines longer, and an exponent is not understood by all daemons. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
