import type { Metric } from '../../src/instrumentation/metrics.ts'
import { percentiles } from '../../src/instrumentation/statsd-samples.ts'
import { groupCharts, type Chart } from './charts.ts'

/** A Datadog dashboard over the DogStatsD names of the metrics, with the default prefix. */
export function createDatadogDashboard(): object {
  let id = 0
  return {
    title: 'postrider',
    description: 'Messages sent and consumed through postrider, from `metrics.statsd` in the format `dogstatsd`.',
    layout_type: 'ordered',
    reflow_type: 'auto',
    template_variables: [{ name: 'manifest', prefix: 'manifest', available_values: [], defaults: ['*'] }],
    widgets: groupCharts().map(({ title, charts }) => ({
      id: ++id,
      definition: {
        type: 'group',
        layout_type: 'ordered',
        title,
        widgets: charts.map((chart) => ({ id: ++id, definition: createWidget(chart) })),
      },
    })),
  }
}

function createWidget({ name, metric, title }: Chart): object {
  const lines = queriesOf(`postrider.${name}`, metric)
  return {
    type: 'timeseries',
    title: `${title} (${metric.unit}${metric.type === 'counter' ? ' per second' : ''})`,
    show_legend: true,
    legend_layout: 'auto',
    requests: [
      {
        response_format: 'timeseries',
        display_type: 'line',
        queries: lines.map(([alias, query]) => ({ name: alias, data_source: 'metrics', query })),
        formulas: lines.map(([alias]) => ({ formula: alias, alias })),
      },
    ],
    yaxis: { include_zero: true },
  }
}

function queriesOf(name: string, { type, tags }: Metric): (readonly [alias: string, query: string])[] {
  const scope = tags.includes('manifest') ? '{$manifest}' : '{*}'
  const by = `${scope} by {${tags.join(',')}}`
  if (type === 'gauge') return [['now', `sum:${name}${by}`]]
  if (type === 'counter') return [['rate', `sum:${name}${by}.as_rate()`]]
  // Each process tells its own percentiles, which cannot be added or averaged: the slowest one is shown.
  return Object.keys(percentiles).map((suffix) => [suffix, `max:${name}.${suffix}${by}`])
}
