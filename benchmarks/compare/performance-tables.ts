import { markdownTable } from '../../scripts/docs/markdown-table.ts'
import { checkFloors, type CheckedFloor, type Floor } from './check-floors.ts'
import { clientRow, clientTable, opponentOf } from './client-table.ts'
import floors from './floors.json' with { type: 'json' }
import { bestOfEach, type Ratio, type Report, type Result } from './results.ts'
import { median, medianBounds } from './statistics.ts'
import { measures, workTable, type Figures, type Measure, type Work } from './work-table.ts'

/** What stands for a table that would be empty. */
export const notMeasured = 'Not measured.'

type Column = readonly [head: string, work: string, cell: (result: Result) => string]

/** Everything a report says, as tables by name: for docs/performance.md, and for the terminal. */
export function performanceTables(report: Report): Readonly<Record<string, string>> {
  const worksOf = (isExtra: boolean): readonly Work[] =>
    workTable.filter((work) => work.kind in { send: 1, batch: 1, dispatch: 1 } && (work.isExtra ?? false) === isExtra)
  const rates = (works: readonly Work[]): readonly Column[] =>
    works.map((work) => [capitalized(work.title), work.name, (result) => withSpread(result, 'perSecond')])
  const main = worksOf(false).filter(({ name }) => name !== 'manifests')
  return {
    'produce-conditions': conditions(report),
    'produce-clients': clientNotes(report),
    'produce-floors': floorTable(report),
    'produce-ratios': ratioTable(report),
    'produce-throughput': figureTable(report, rates(main)),
    'produce-latency': figureTable(
      report,
      main
        .filter(({ kind }) => kind === 'send')
        .map((work) => [
          capitalized(work.title),
          work.name,
          (result) => `${show(result.p50Ms)} / ${show(result.p99Ms)}`,
        ]),
    ),
    'produce-cpu': figureTable(
      report,
      main.map((work) => [capitalized(work.title), work.name, (result) => withSpread(result, 'cpuMicros')]),
    ),
    'produce-sizes': figureTable(report, rates(worksOf(true))),
    'produce-start-and-memory': figureTable(report, [
      ['Import, ms', 'import', (result) => withSpread(result, 'startMs')],
      ['Cold start, ms', 'cold-start', (result) => withSpread(result, 'startMs')],
      ['Peak RSS at 100 callers, MB', 'produce-100', (result) => withSpread(result, 'rssMb')],
      ['Peak RSS over many messages, MB', 'memory', (result) => show(result.rssMb)],
      ['Its growth in the second half', 'memory', (result) => show(result.rssGrowth)],
      ['Cost of a message, second half to first', 'memory', (result) => show(result.costGrowth)],
    ]),
  }
}

export function floorTable(report: Report): string {
  return markdownTable(
    ['Work', 'Ours', 'Against', 'Measure', 'Floor', 'Measured', 'Verdict'],
    checkFloors(floors as readonly Floor[], report).map((floor) => [
      floor.work,
      floor.client,
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
    'acks=all; 256-byte values and one partition where nothing else is said.',
  ].join('\n')
}

function clientNotes({ results }: Report): string {
  const took = clientTable.filter(({ name }) => results.some(({ client }) => client === name))
  const rows = took
    .filter(({ role }) => role !== 'raw-setting')
    .map(({ title, note, role }) => {
      if (role !== 'raw') return [title, note]
      const settings = took.filter(({ family }) => family === 'raw').length
      const others = settings > 1 ? `; at 10, 100 and 1,000 awaited callers the best of ${settings} settings` : ''
      return [titleOf('raw'), `${note}${others}`]
    })
  return markdownTable(['Client', 'How it is set'], rows)
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
