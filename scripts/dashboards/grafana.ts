import type { Metric } from '../../src/instrumentation/metrics.ts'
import { prometheusName } from '../../src/instrumentation/prometheus-text.ts'
import { percentiles } from '../../src/instrumentation/statsd-samples.ts'
import { groupCharts, type Chart } from './charts.ts'

const columns = 3
const width = 24 / columns
const height = 8
const datasource = { type: 'prometheus', uid: '${datasource}' }

/** A Grafana dashboard (schema version 39) over the Prometheus names of the metrics. */
export function createGrafanaDashboard(): object {
  const panels: object[] = []
  let y = 0
  for (const { title, charts } of groupCharts()) {
    const id = panels.length + 1
    panels.push({ id, type: 'row', title, collapsed: false, panels: [], gridPos: { h: 1, w: 24, x: 0, y } })
    y++
    for (const [index, chart] of charts.entries()) {
      const gridPos = { h: height, w: width, x: (index % columns) * width, y: y + Math.floor(index / columns) * height }
      panels.push(createPanel(chart, panels.length + 1, gridPos))
    }
    y += Math.ceil(charts.length / columns) * height
  }
  return {
    uid: 'postrider',
    title: 'postrider',
    description: 'Messages sent and consumed through postrider, from `messaging.metrics.prometheus()`.',
    tags: ['kafka', 'postrider'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    annotations: { list: [] },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'manifest',
          label: 'Manifest',
          type: 'query',
          datasource,
          query: { query: 'label_values({__name__=~"postrider_(messages_sent|consumed_messages)_total"}, manifest)', refId: 'manifest' },
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels,
  }
}

function createPanel({ name, metric, title }: Chart, id: number, gridPos: object): object {
  const { unit, meaning, tags } = metric
  const targets = expressionsOf(prometheusName(name, metric), metric).map(([legend, expr], index) => ({
    refId: String.fromCodePoint(65 + index),
    datasource,
    expr,
    legendFormat: [...(legend === '' ? [] : [legend]), ...tags.map((tag) => `{{${tag}}}`)].join(' '),
  }))
  const shownUnit =
    metric.type === 'counter' ? (unit === 'bytes' ? 'Bps' : 'cps') : unit === 'messages' ? 'short' : unit
  return {
    id,
    type: 'timeseries',
    title,
    description: meaning,
    datasource,
    gridPos,
    fieldConfig: { defaults: { unit: shownUnit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets,
  }
}

function expressionsOf(name: string, { type, tags }: Metric): (readonly [legend: string, expression: string])[] {
  const filter = tags.includes('manifest') ? '{manifest=~"$manifest"}' : ''
  const by = tags.join(', ')
  if (type === 'gauge') return [['', `sum by (${by}) (${name}${filter})`]]
  if (type === 'counter') return [['', `sum by (${by}) (rate(${name}${filter}[$__rate_interval]))`]]
  return Object.entries(percentiles).map(([legend, share]) => [
    legend,
    `histogram_quantile(${share}, sum by (le, ${by}) (rate(${name}_bucket${filter}[$__rate_interval])))`,
  ])
}
