import { metricRows, type Metric, type MetricName } from '../../src/instrumentation/metrics.ts'

/** One chart for each metric, whatever the tool that draws it. */
export interface Chart {
  readonly name: MetricName
  readonly metric: Metric
  readonly title: string
}

export interface ChartGroup {
  readonly title: string
  readonly charts: readonly Chart[]
}

/** The table of metrics as charts, grouped by the first word of their names. */
export function groupCharts(): readonly ChartGroup[] {
  const groups = new Map<string, Chart[]>()
  for (const [name, metric] of metricRows) {
    const [noun = '', rest = ''] = name.split('.')
    const charts = groups.get(noun) ?? []
    charts.push({ name, metric, title: sentence(`${noun} ${rest}`) })
    groups.set(noun, charts)
  }
  return Array.from(groups, ([noun, charts]) => ({ title: sentence(noun), charts }))
}

function sentence(words: string): string {
  const spaced = words.replaceAll('_', ' ')
  return `${spaced.charAt(0).toUpperCase()}${spaced.slice(1)}`
}
