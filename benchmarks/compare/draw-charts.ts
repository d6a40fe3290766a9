import { clientRow } from './client-table.ts'
import { show, titleOf } from './performance-tables.ts'
import { bestOfEach, type Report } from './results.ts'
import { measures, workTable, type Measure } from './work-table.ts'

interface Bar {
  readonly label: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly isOurs: boolean
}

/** What each chart shows: works, and the measure they are drawn by. */
const charts: Readonly<Record<string, readonly (readonly [work: string, measure: Measure])[]>> = {
  'produce-callers.svg': [
    ['produce-1', 'perSecond'],
    ['produce-10', 'perSecond'],
    ['produce-100', 'perSecond'],
    ['produce-1000', 'perSecond'],
  ],
  'produce-latency.svg': [
    ['produce-1', 'p50Ms'],
    ['produce-100', 'p50Ms'],
    ['produce-1', 'p99Ms'],
    ['produce-100', 'p99Ms'],
  ],
  'produce-bulk.svg': [
    ['produce-batches', 'perSecond'],
    ['produce-dispatch', 'perSecond'],
  ],
  'produce-cost.svg': [
    ['produce-100', 'cpuMicros'],
    ['produce-100', 'rssMb'],
    ['import', 'startMs'],
    ['cold-start', 'startMs'],
  ],
  'consume.svg': [
    ['consume', 'perSecond'],
    ['consume-12-partitions', 'perSecond'],
    ['consume', 'threadMicros'],
    ['consume', 'rssMb'],
    ['consume-latency', 'p50Ms'],
    ['consume-first', 'doneMs'],
  ],
}

const width = 570
const labelWidth = 312
const figureWidth = 72
const rowHeight = 22
const headHeight = 44
const colours = { ours: '#0b6e4f', others: '#9aa5b1', whisker: '#1f2933', text: '#1f2933', faint: '#616e7c' }
const font = 'font-family="system-ui, sans-serif" font-size="12"'

/** The charts of a report by file name: bars at the median, whiskers from the worst round to the best. */
export function drawCharts(report: Report): Readonly<Record<string, string>> {
  const drawn = Object.entries(charts).map(([name, panels]): [string, string] => {
    const bodies = panels.flatMap(([work, measure]) => {
      const bars = barsOf(report, work, measure)
      return bars.length === 0 ? [] : [{ title: panelTitle(work, measure), bars }]
    })
    return [name, drawChart(bodies)]
  })
  return Object.fromEntries(drawn.filter(([, svg]) => svg !== ''))
}

function barsOf({ results }: Report, name: string, measure: Measure): readonly Bar[] {
  const work = workTable.find((work) => work.name === name)!
  const best = bestOfEach(
    results.filter((result) => result.work === name),
    work.measure,
  )
  const bars = [...best].flatMap(([opponent, result]): readonly Bar[] => {
    const [value, min, max] = [result[measure], result.min[measure], result.max[measure]]
    if (value === undefined || min === undefined || max === undefined) return []
    return [{ label: titleOf(opponent), value, min, max, isOurs: clientRow(result.client).isOurs ?? false }]
  })
  // The best first, whoever it is.
  return bars.toSorted((a, b) => (measures[measure].better === 'higher' ? b.value - a.value : a.value - b.value))
}

function panelTitle(name: string, measure: Measure): string {
  const { title } = workTable.find((work) => work.name === name)!
  const names: Partial<Record<Measure, string>> = {
    p50Ms: 'median latency, ',
    p99Ms: '99th percentile, ',
    rssMb: 'memory, ',
  }
  const { unit, better } = measures[measure]
  return `${title}: ${names[measure] ?? ''}${unit} (${better} is better)`
}

function drawChart(panels: readonly { readonly title: string; readonly bars: readonly Bar[] }[]): string {
  if (panels.length === 0) return ''
  const height = headHeight + Math.max(...panels.map(({ bars }) => bars.length)) * rowHeight + 12
  const columns = Math.min(2, panels.length)
  const size = { width: columns * width, height: Math.ceil(panels.length / columns) * height }
  const drawn = panels.map(({ title, bars }, index) => {
    const [x, y] = [(index % columns) * width, Math.floor(index / columns) * height]
    return `<g transform="translate(${x} ${y})">\n${drawPanel(title, bars)}\n</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" ${font}>`,
    `<rect width="${size.width}" height="${size.height}" fill="#fff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function drawPanel(title: string, bars: readonly Bar[]): string {
  const room = width - labelWidth - figureWidth - 16
  const largest = Math.max(...bars.map(({ max }) => max))
  const place = (value: number): string => (labelWidth + (value / largest) * room).toFixed(1)
  const length = (value: number): string => ((value / largest) * room).toFixed(1)
  const rows = bars.map(({ label, value, min, max, isOurs }, index) => {
    const y = headHeight + index * rowHeight
    const middle = y + rowHeight / 2
    return [
      `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end" fill="${colours.text}"${isOurs ? ' font-weight="600"' : ''}>${escaped(label)}</text>`,
      `<rect x="${labelWidth}" y="${y + 4}" width="${length(value)}" height="${rowHeight - 8}" fill="${isOurs ? colours.ours : colours.others}"/>`,
      `<path d="M${place(min)} ${middle}H${place(max)}M${place(min)} ${middle - 4}v8M${place(max)} ${middle - 4}v8" stroke="${colours.whisker}" fill="none"/>`,
      `<text x="${Number(place(max)) + 6}" y="${middle + 4}" fill="${colours.faint}">${show(value)}</text>`,
    ].join('\n')
  })
  return [`<text x="12" y="26" font-weight="600" fill="${colours.text}">${escaped(title)}</text>`, ...rows].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
