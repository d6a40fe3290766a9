import type { Distribution } from './distribution.ts'
import { CounterSeries, type TagValues } from './metric-series.ts'
import type { MetricsAggregator } from './metrics-aggregator.ts'
import { metricRows, type Metric, type MetricName } from './metrics.ts'

/** 0.25 ms to about 1 minute; all of them edges of the distribution's buckets, so the counts are exact. */
const powers = Array.from({ length: 19 }, (_, index) => index - 2)

/** Everything counted so far in Prometheus' text exposition format 0.0.4, each name with `postrider_` before it. */
export function renderPrometheus(aggregator: MetricsAggregator): string {
  const lines: string[] = []
  for (const [name, metric] of metricRows) {
    const exposed = prometheusName(name, metric)
    lines.push(`# HELP ${exposed} ${metric.meaning.replaceAll('\\', '\\\\')}`)
    lines.push(`# TYPE ${exposed} ${metric.type === 'distribution' ? 'histogram' : metric.type}`)
    if (metric.type === 'gauge') {
      for (const { tags, value } of aggregator.gauge(metric.read)) lines.push(`${exposed}${labels(tags)} ${value}`)
      continue
    }
    for (const series of aggregator.seriesOf(name)) {
      if (series instanceof CounterSeries) lines.push(`${exposed}${labels(series.tags)} ${series.total}`)
      else lines.push(...histogram(exposed, series.tags, series.total))
    }
  }
  return `${lines.join('\n')}\n`
}

/** `messages.sent_bytes` -> `postrider_messages_sent_bytes_total`; times say their unit. */
export function prometheusName(name: MetricName, { type, unit }: Metric): string {
  const base = `postrider_${name.replaceAll('.', '_')}`
  if (type === 'distribution') return unit === 'ms' ? `${base}_milliseconds` : base
  return type === 'counter' ? `${base}_total` : base
}

function histogram(name: string, tags: TagValues, distribution: Distribution): string[] {
  const bucket = (le: number | string, count: number): string => `${name}_bucket${labels({ ...tags, le })} ${count}`
  return [
    ...powers.map((power) => bucket(2 ** power, distribution.countUpTo(power))),
    bucket('+Inf', distribution.count),
    `${name}_sum${labels(tags)} ${distribution.sum}`,
    `${name}_count${labels(tags)} ${distribution.count}`,
  ]
}

function labels(tags: Readonly<Record<string, string | number>>): string {
  return `{${Object.entries(tags)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(',')}}`
}

function escapeLabel(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
