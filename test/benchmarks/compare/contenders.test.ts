import { expect, test } from 'vitest'
import { clientTable } from '../../../benchmarks/compare/client-table.ts'
import { contenders, orderOfRound } from '../../../benchmarks/compare/contenders.ts'
import { rates } from './example-report.ts'

const rows = clientTable.filter(({ family, name, consumes }) => (family === 'raw' && !consumes) || name === 'kafkajs')
const settings = rows.filter(({ family }) => family === 'raw')

test('all settings of a client are tried twice, then the best two go on; others always do', () => {
  // The later in the table, the faster; a third round that only some had decides nothing.
  const done = new Map(settings.map(({ name }, index) => [name, rates(index, index, index === 0 ? 1_000 : index)]))
  expect(contenders(rows, done, 1, 'perSecond')).toEqual(rows)
  expect(contenders(rows, done, 2, 'perSecond')).toEqual([...settings.slice(-2), rows.at(-1)])
  expect(contenders(rows, done, 2, 'p50Ms')).toHaveLength(rows.length)
})

test('the order alternates, and everybody goes first', () => {
  const orders = Array.from({ length: 6 }, (_, round) => orderOfRound(['a', 'b', 'c'], round).join(''))
  expect(orders).toEqual(['abc', 'cba', 'cab', 'bac', 'bca', 'acb'])
  expect(orderOfRound([], 3)).toEqual([])
})
