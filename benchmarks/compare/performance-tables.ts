import { markdownTable } from '../../scripts/docs/markdown-table.ts'
import { checkFloors, type CheckedFloor, type Floor } from './check-floors.ts'
import { clientRow, clientTable, opponentOf, type ClientRow } from './client-table.ts'
import floors from './floors.json' with { type: 'json' }
import { bestOfEach, type Ratio, type Report, type Result } from './results.ts'
import { median, medianBounds } from './statistics.ts'
import { isConsuming, measures, workTable, type Figures, type Measure, type Work } from './work-table.ts'

/** What stands for a table that would be empty. */
export const notMeasured = 'Not measured.'

type Column = readonly [head: string, work: string, cell: (result: Result) => string]

/** Everything a report says, as tables by name: for docs/performance.md, and for the terminal. */
export function performanceTables(report: Report): Readonly<Record<string, string>> {
  const tables = { ...producingTables(report), ...consumingTables(report) }
  for (const direction of ['produce', 'consume'] as const) {
    const part = reportOf(report, direction === 'consume')
    tables[`${direction}-clients`] = clientNotes(part)
    tables[`${direction}-floors`] = floorTable(part, direction === 'consume')
    tables[`${direction}-ratios`] = ratioTable(part)
  }
  return tables
}

/** The chart of consuming, where there is one. */
export function consumingChart({ results }: Report): string {
  const isDrawn = results.some(({ work }) => work === 'consume')
  return isDrawn ? '![Rates, cost and latency of consuming](../benchmarks/results/consume.svg)' : notMeasured
}

function producingTables(report: Report): Record<string, string> {
  const worksOf = (isExtra: boolean): readonly Work[] =>
    workTable.filter((work) => work.kind in { send: 1, batch: 1, dispatch: 1 } && (work.isExtra ?? false) === isExtra)
  const main = worksOf(false).filter(({ name }) => name !== 'manifests')
  return {
    'produce-conditions': conditions(report),
    'produce-throughput': figureTable(report, columnsOf(main, 'perSecond')),
    'produce-latency': figureTable(report, latencies(main.filter(({ kind }) => kind === 'send'))),
    'produce-cpu': figureTable(report, columnsOf(main, 'cpuMicros')),
    'produce-sizes': figureTable(report, columnsOf(worksOf(true), 'perSecond')),
    'produce-start-and-memory': figureTable(report, [
      ['Import, ms', 'import', (result) => withSpread(result, 'startMs')],
      ['Cold start, ms', 'cold-start', (result) => withSpread(result, 'startMs')],
      ['Peak RSS at 100 callers, MB', 'produce-100', (result) => withSpread(result, 'rssMb')],
      ...overMany('memory'),
    ]),
  }
}

function consumingTables(report: Report): Record<string, string> {
  const works = workTable.filter(({ kind }) => kind === 'consume')
  return {
    'consume-throughput': figureTable(report, columnsOf(works, 'perSecond')),
    'consume-cpu': figureTable(report, [
      ...columnsOf(works, 'cpuMicros'),
      ['Of that the main thread', 'consume', (result) => withSpread(result, 'threadMicros')],
      ['Peak RSS, MB', 'consume', (result) => withSpread(result, 'rssMb')],
    ]),
    'consume-latency': figureTable(report, [
      ...latencies(workTable.filter(({ kind }) => kind === 'consume-latency')),
      ['10,000 messages after assignment, ms', 'consume-first', (result) => withSpread(result, 'doneMs')],
    ]),
    'consume-backlog': figureTable(report, [
      ['Messages/s', 'consume-backlog', (result) => show(result.perSecond)],
      ...overMany('consume-backlog'),
    ]),
  }
}

function columnsOf(works: readonly Work[], measure: Measure): readonly Column[] {
  return works.map((work) => [capitalized(work.title), work.name, (result) => withSpread(result, measure)])
}

function latencies(works: readonly Work[]): readonly Column[] {
  return works.map((work) => [
    capitalized(work.title),
    work.name,
    (result) => `${show(result.p50Ms)} / ${show(result.p99Ms)}`,
  ])
}

function overMany(work: string): readonly Column[] {
  return [
    ['Peak RSS over many messages, MB', work, (result) => show(result.rssMb)],
    ['Its growth in the second half', work, (result) => show(result.rssGrowth)],
    ['Cost of a message, second half to first', work, (result) => show(result.costGrowth)],
  ]
}

/** What of a report is of works that consume, or of the others. */
function reportOf(report: Report, consumes: boolean): Report {
  const names = new Set(workTable.filter((work) => isConsuming(work) === consumes).map(({ name }) => name))
  return {
    ...report,
    results: report.results.filter(({ work }) => names.has(work)),
    ratios: Object.fromEntries(Object.entries(report.ratios).filter(([work]) => names.has(work))),
  }
}

function floorTable(report: Report, consumes: boolean): string {
  const held = (floors as readonly Floor[]).filter(({ work }) => work.startsWith('consume') === consumes)
  return markdownTable(
    ['Work', 'Ours', 'Against', 'Measure', 'Floor', 'Measured', 'Verdict'],
    checkFloors(held, report).map((floor) => [
      floor.work,
      [floor.client].flat().join(' or '),
      floor.against ?? '–',
      floor.measure,
      floor.atLeast === undefined ? `≤ ${floor.atMost}` : `≥ ${floor.atLeast}`,
      floor.value === undefined ? '–' : `${show(floor.value)}${spread(floor.rounds)}`,
      describeVerdict(floor),
    ]),
  )
}

/** How many times better ours is: above 1 wins, whichever way the measure points. */
export function ratioTable({ ratios }: Report): string {
  const opponents = [...new Set(clientTable.map(opponentOf))]
  const rows = Object.entries(ratios).flatMap(([work, byOurs]) =>
    Object.entries(byOurs).map(([ours, byOpponent]) => [
      work,
      ours,
      Object.values(byOpponent)[0]?.measure ?? '–',
      ...opponents.map((opponent) => {
        const ratio = byOpponent[opponent]
        return ratio === undefined ? '–' : advantage(ratio)
      }),
    ]),
  )
  return filledTable(['Work', 'Ours', 'Measure', ...opponents], rows, 3)
}

function advantage({ rounds, measure }: Ratio): string {
  const better = rounds.map((ratio) => (measures[measure].better === 'higher' ? ratio : 1 / ratio))
  const [low, high] = medianBounds(better)
  const middle = median(better)
  if (high < 1) return `**${show(middle)} loses**`
  return low > 1 ? show(middle) : `${show(middle)} even`
}

function figureTable(report: Report, columns: readonly Column[]): string {
  const opponents = [...new Set(clientTable.map(opponentOf))]
  const cells = columns.map(([, name, cell]) => {
    const work = workTable.find((work) => work.name === name)!
    const results = report.results.filter((result) => result.work === name)
    const best = bestOfEach(results, work.measure)
    return (opponent: string): string => {
      const result = best.get(opponent)
      if (result === undefined) return '–'
      const text = cell(result)
      // Which of its settings, where they were tried.
      const isChosen = result.client !== opponent && work.roles.includes('raw-setting')
      return isChosen ? `${text} ${result.client.replace(`${opponent}-`, '').replaceAll('-', ' ')}` : text
    }
  })
  const rows = opponents.map((opponent) => [titleOf(opponent), ...cells.map((cell) => cell(opponent))])
  return filledTable(['Client', ...columns.map(([head]) => head)], rows, 1)
}

/** Without rows and columns in which nothing was measured. */
function filledTable(head: readonly string[], rows: readonly (readonly string[])[], fixed: number): string {
  const filled = rows.filter((row) => row.slice(fixed).some((cell) => cell !== '–'))
  const columns = head.map((_, column) => column < fixed || filled.some((row) => row[column] !== '–'))
  const keep = (row: readonly string[]): readonly string[] => row.filter((_, column) => columns[column])
  return filled.length === 0 ? notMeasured : markdownTable(keep(head), filled.map(keep))
}

export function titleOf(opponent: string): string {
  return opponent === 'raw' ? 'Confluent callback API, best setting' : clientRow(opponent).title
}

function conditions({ recordedAt, commit, isQuick, machine, versions, results }: Report): string {
  const rounds = Math.max(0, ...results.map((result) => result.rounds.length))
  const list = (texts: Readonly<Record<string, string>>): string =>
    Object.entries(texts)
      .map(([name, text]) => `${name} ${text}`)
      .join(', ')
  return [
    `Recorded ${recordedAt} at ${commit}: ${Object.values(machine).join(', ')}; ${list(versions)}.`,
    `${rounds} round${rounds === 1 ? '' : 's'}${isQuick ? ', **a quick run: short windows and few rounds, good for seeing that it works**' : ''}.`,
    'Sends with acks=all; 256-byte values and one partition where nothing else is said.',
  ].join('\n')
}

function clientNotes({ results }: Report): string {
  const took = clientTable.filter(({ name }) => results.some(({ client }) => client === name))
  const rows = took
    .filter((row) => row.consumes || row.role !== 'raw-setting')
    .map((row) => [
      row.role === 'raw' && !row.consumes ? titleOf('raw') : row.title,
      `${row.note}${settingsOf(row, took)}`,
    ])
  return rows.length === 0 ? notMeasured : markdownTable(['Client', 'How it is set'], rows)
}

function settingsOf({ role, consumes }: ClientRow, took: readonly ClientRow[]): string {
  const settings = took.filter(({ family }) => family === 'raw').length
  if (role !== 'raw' || consumes || settings < 2) return ''
  return `; at 10, 100 and 1,000 awaited callers the best of ${settings} settings`
}

function describeVerdict({ verdict }: CheckedFloor): string {
  return verdict === 'fails' ? '**fails**' : verdict
}

function withSpread(result: Result, measure: Measure): string {
  const of = (figures: Figures): number | undefined => figures[measure]
  const value = of(result)
  if (value === undefined) return '–'
  return `${show(value)} (${show(of(result.min))} to ${show(of(result.max))})`
}

function spread(rounds: readonly number[]): string {
  return rounds.length < 2 ? '' : ` (${show(Math.min(...rounds))} to ${show(Math.max(...rounds))})`
}

export function show(value: number | undefined): string {
  if (value === undefined) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
