import { array, assert, double, property } from '../fast-check.ts'
import { expect, test } from 'vitest'
import { Distribution } from '../../src/instrumentation/distribution.ts'

function distributionOf(values: readonly number[]): Distribution {
  const distribution = new Distribution()
  for (const value of values) distribution.record(value)
  return distribution
}

test('percentiles are at most 4.4% above the true ones, and never below', () => {
  const value = double({ min: 0.001, max: 1_000_000, noNaN: true })
  assert(
    property(array(value, { minLength: 1, maxLength: 500 }), (values) => {
      const sorted = values.toSorted((a, b) => a - b)
      const distribution = distributionOf(values)
      for (const share of [0.5, 0.95, 0.99]) {
        const exact = sorted[Math.ceil(share * values.length) - 1]!
        const found = distribution.percentile(share)
        expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-12))
        expect(found).toBeLessThanOrEqual(exact * 1.0443)
      }
    }),
  )
})

test('count, sum and maximum are exact', () => {
  const distribution = distributionOf([3, 1, 2.5])
  expect([distribution.count, distribution.sum, distribution.max]).toEqual([3, 6.5, 3])
})

test('a power of two is an edge: it counts to its own side exactly', () => {
  for (let power = -10; power <= 20; power++) {
    const edge = 2 ** power
    const distribution = distributionOf([edge, edge * 1.000001])
    expect(distribution.countUpTo(power)).toBe(1)
  }
})

test('what is outside of the range is kept: at the ends, with its true maximum', () => {
  const distribution = distributionOf([0, -1, 1e-9, Number.NaN, 5_000_000])
  expect(distribution.count).toBe(5)
  expect(distribution.countUpTo(-10)).toBe(4)
  expect(distribution.countUpTo(20)).toBe(4)
  expect(distribution.percentile(1)).toBe(5_000_000)
})

test('an empty one is all zeros', () => {
  const distribution = new Distribution()
  expect([distribution.count, distribution.max, distribution.percentile(0.99), distribution.countUpTo(20)]).toEqual([
    0, 0, 0, 0,
  ])
})

test('adding one to another loses nothing, and a reset forgets all', () => {
  const total = distributionOf([1, 2, 4])
  const more = distributionOf([8, 16])
  total.add(more)
  expect([total.count, total.sum, total.max, total.countUpTo(2), total.countUpTo(3)]).toEqual([5, 31, 16, 3, 4])
  total.reset()
  expect([total.count, total.sum, total.max, total.countUpTo(20)]).toEqual([0, 0, 0, 0])
  expect(more.count).toBe(2)
})
