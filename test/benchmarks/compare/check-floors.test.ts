import { expect, test } from 'vitest'
import { checkFloors, type Floor } from '../../../benchmarks/compare/check-floors.ts'
import { clientTable, opponentOf, takesPart } from '../../../benchmarks/compare/client-table.ts'
import floors from '../../../benchmarks/compare/floors.json' with { type: 'json' }
import { workTable } from '../../../benchmarks/compare/work-table.ts'
import { exampleReport, rates } from './example-report.ts'

const floor = { work: 'produce-100', client: 'postrider', against: 'kafkajs', measure: 'perSecond' } as const

function verdictOf(ours: readonly number[], bound: Pick<Floor, 'atLeast' | 'atMost'>): string | undefined {
  const theirs = ours.map(() => 100)
  const report = exampleReport({ 'produce-100': { postrider: rates(...ours), kafkajs: rates(...theirs) } })
  return checkFloors([{ ...floor, ...bound }], report)[0]?.verdict
}

test.each([
  ['the median keeps it', [90, 110, 120, 80, 130], { atLeast: 1 }, 'holds'],
  ['a round or more keep it', [90, 95, 98, 97, 101], { atLeast: 1 }, 'within the noise'],
  ['no round keeps it', [90, 95, 98, 97, 99], { atLeast: 1 }, 'fails'],
  ['one round of eight keeps it', [90, 95, 98, 97, 99, 90, 91, 120], { atLeast: 1 }, 'fails'],
  ['the median stays below', [110, 90, 105, 120, 100], { atMost: 1.05 }, 'holds'],
  ['no round stays below', [110, 120, 115, 112, 113], { atMost: 1.05 }, 'fails'],
])('%s', (_, ours, bound, verdict) => {
  expect(verdictOf(ours, bound)).toBe(verdict)
})

test('a floor without an opponent is one of our own figures', () => {
  const report = exampleReport({ import: { postrider: [{ startMs: 20 }, { startMs: 24 }, { startMs: 22 }] } })
  const own: Floor = { work: 'import', client: 'postrider', measure: 'startMs', atMost: 30 }
  expect(checkFloors([own], report)).toEqual([{ ...own, verdict: 'holds', value: 22, rounds: [20, 24, 22] }])
})

test('a floor for the best of several is held by the one that does best', () => {
  const clients = ['postrider', 'postrider-platformatic'] as const
  const best: Floor = { ...floor, client: clients, atLeast: 1 }
  const report = exampleReport({
    'produce-100': { postrider: rates(90), 'postrider-platformatic': rates(120), kafkajs: rates(100) },
  })
  expect(checkFloors([best], report)[0]).toMatchObject({ verdict: 'holds', value: 1.2 })
  const quickest: Floor = { work: 'import', client: clients, measure: 'startMs', atMost: 30 }
  const starts = exampleReport({
    import: { postrider: [{ startMs: 40 }], 'postrider-platformatic': [{ startMs: 20 }] },
  })
  expect(checkFloors([quickest], starts)[0]).toMatchObject({ verdict: 'holds', value: 20 })
})

test('what was not measured neither holds nor fails', () => {
  expect(checkFloors([{ ...floor, atLeast: 1 }], exampleReport({}))[0]?.verdict).toBe('not measured')
})

test.each(
  floors.map((floor) => [[floor.work, floor.client, floor.against ?? ''].flat().join(' '), floor as Floor] as const),
)('the committed floor of %s can be measured', (_, floor) => {
  const work = workTable.find(({ name }) => name === floor.work)!
  const isMeasured = (name: string): boolean =>
    clientTable.some((row) => opponentOf(row) === name && takesPart(row, work))
  for (const client of [floor.client].flat()) expect(isMeasured(client)).toBe(true)
  if (floor.against === undefined) return
  expect(isMeasured(floor.against)).toBe(true)
  expect(work.measure).toBe(floor.measure)
})
