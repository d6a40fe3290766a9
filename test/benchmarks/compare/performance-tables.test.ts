import { expect, test } from 'vitest'
import { performanceTables, ratioTable } from '../../../benchmarks/compare/performance-tables.ts'
import { exampleReport, rates } from './example-report.ts'

const report = exampleReport({
  'produce-1': {
    postrider: [{ perSecond: 5_000, p50Ms: 0.2, p99Ms: 1 }],
    'raw-linger-0-in-flight-5': [{ perSecond: 4_000, p50Ms: 0.25, p99Ms: 2 }],
  },
  'produce-100': {
    postrider: rates(100, 100, 100),
    'raw-linger-0-in-flight-5': rates(80, 80, 80),
    'raw-linger-0.2-in-flight-5': rates(120, 125, 130),
    kafkajs: rates(50, 25, 10),
    platformatic: rates(90, 100, 120),
  },
})
const tables = performanceTables(report)
const rowsOf = (table: string | undefined): readonly string[][] =>
  (table ?? '').split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

test('what we lose at is said as plainly as what we win at, and what cannot be told apart too', () => {
  const rows = rowsOf(ratioTable(report))
  expect(rows).toEqual([
    ['Work', 'Ours', 'Measure', 'raw', 'kafkajs', 'platformatic'],
    expect.anything(),
    // Latency points down: 0.2 ms against 0.25 ms is 1.25 times better.
    ['produce-1', 'postrider', 'p50Ms', '1.25', '–', '–'],
    ['produce-100', 'postrider', 'perSecond', '**0.80 loses**', '4.00', '1.00 even'],
  ])
})

test('clients and works that were not measured have no row and no column', () => {
  expect(rowsOf(tables['produce-throughput'])).toEqual([
    ['Client', '1 awaited caller', '100 awaited callers'],
    expect.anything(),
    ['postrider', '5,000 (5,000 to 5,000)', '100 (100 to 100)'],
    ['Confluent callback API, best setting', '4,000 (4,000 to 4,000)', '125 (120 to 130) linger 0.2 in flight 5'],
    ['kafkajs', '–', '25.0 (10.0 to 50.0)'],
    ['@platformatic/kafka', '–', '100 (90.0 to 120)'],
  ])
  expect(tables['produce-sizes']).toBe('Not measured.')
  expect(tables['produce-clients']).not.toContain('1,000 manifests')
})

test('every floor has a row with its verdict', () => {
  const rows = rowsOf(tables['produce-floors'])
  expect(rows).toContainEqual([
    'produce-100',
    'postrider',
    'raw',
    'perSecond',
    '≥ 1',
    '0.80 (0.77 to 0.83)',
    '**fails**',
  ])
  expect(rows).toContainEqual([
    'produce-100',
    'postrider',
    'kafkajs',
    'perSecond',
    '≥ 7',
    '4.00 (2.00 to 10.0)',
    'within the noise',
  ])
  expect(rows).toContainEqual(['import', 'postrider', '–', 'startMs', '≤ 30', '–', 'not measured'])
})

test('the conditions name machine, versions and rounds, and say when a run was quick', () => {
  expect(tables['produce-conditions']).toContain('Recorded 2026-01-02 at abc: P, 2 cores; node 24.\n3 rounds.')
  expect(performanceTables({ ...report, isQuick: true })['produce-conditions']).toContain('**a quick run')
})

test('producing and consuming have tables of their own', () => {
  const both = exampleReport({
    'produce-1': { postrider: [{ p50Ms: 0.2 }], 'raw-linger-0-in-flight-5': [{ p50Ms: 0.25 }] },
    consume: {
      'postrider-handle-batch': rates(300, 300),
      'raw-consume-1000': rates(200, 200),
      'raw-consume-1000-tuned': rates(250, 250),
    },
  })
  const { 'produce-ratios': producing, 'consume-ratios': consuming, ...others } = performanceTables(both)
  expect(rowsOf(producing).map(([work]) => work)).toEqual(['Work', expect.anything(), 'produce-1'])
  expect(rowsOf(consuming)).toEqual([
    ['Work', 'Ours', 'Measure', 'raw'],
    expect.anything(),
    ['consume', 'postrider-handle-batch', 'perSecond', '1.20'],
  ])
  expect(rowsOf(others['consume-throughput'])).toContainEqual([
    'Confluent callback API, best setting',
    '250 (250 to 250) consume 1000 tuned',
  ])
  expect(others['consume-clients']).toContain('Confluent callback API, tuned')
  expect(others['produce-clients']).not.toContain('consume(1000)')
})
