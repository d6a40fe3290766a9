import { expect, test } from 'vitest'
import { CounterSeries, DistributionSeries } from '../../src/instrumentation/metric-series.ts'

test('what is taken from a counter adds up to its total', () => {
  const counter = new CounterSeries({ manifest: 'M' })
  counter.add(2)
  counter.add(3)
  expect([counter.take(), counter.take()]).toEqual([5, 0])
  counter.add(4)
  expect([counter.take(), counter.total]).toEqual([4, 9])
})

test('what is taken from a distribution adds up to its total', () => {
  const series = new DistributionSeries({ manifest: 'M' })
  series.add(2)
  series.add(8)
  const first = series.take()
  series.add(4)
  expect([first.count, first.sum, first.max]).toEqual([2, 10, 8])
  expect([series.total.count, series.total.sum, series.total.max]).toEqual([3, 14, 8])
  const second = series.take()
  expect([second.count, second.sum, second.max]).toEqual([1, 4, 4])
  expect([series.take().count, series.total.count]).toEqual([0, 3])
})
