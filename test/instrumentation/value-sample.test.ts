import { expect, test } from 'vitest'
import { ValueSample } from '../../src/instrumentation/value-sample.ts'

function offer(sample: ValueSample, count: number): void {
  for (let value = 0; value < count; value++) sample.offer(value)
}

test('at rate 1 every value is kept, in order, and each is taken once', () => {
  const sample = new ValueSample(1)
  offer(sample, 3)
  expect(sample.take()).toEqual({ values: [0, 1, 2], rate: 1 })
  expect(sample.take()).toEqual({ values: [], rate: 1 })
})

test.each([0.1, 0.5])(
  'at rate %d about that part is kept, and its number divided by the rate told is that of all',
  (rate) => {
    const sample = new ValueSample(rate)
    offer(sample, 1000)
    const { values, rate: told } = sample.take()
    // 6 standard deviations: less than once in a thousand million runs.
    expect(Math.abs(values.length - rate * 1000)).toBeLessThan(6 * Math.sqrt(1000 * rate * (1 - rate)))
    expect(values.length / told).toBeCloseTo(1000)
  },
)

test('over the bound values from all of the interval are kept, and the rate told is lower', () => {
  const sample = new ValueSample(1)
  offer(sample, 100_000)
  const { values, rate } = sample.take()
  expect(values).toHaveLength(1000)
  expect(rate).toBe(0.01)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  expect(Math.abs(mean - 50_000)).toBeLessThan((6 * 100_000) / Math.sqrt(12 * 1000))
})
