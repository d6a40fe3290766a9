import { expect, test } from 'vitest'
import { ReportLimiter } from '../../src/instrumentation/report-limiter.ts'

test('so many of a code pass in a minute, and the next one after it says how many did not', () => {
  let now = 5
  const limiter = new ReportLimiter(2, () => now)
  expect([limiter.admit('A'), limiter.admit('A')]).toEqual([0, 0])
  for (let count = 0; count < 1_000_000; count++) if (limiter.admit('A') !== undefined) throw new Error('passed')
  expect(limiter.admit('B'), 'codes do not share').toBe(0)
  now += 59_999
  expect(limiter.admit('A')).toBeUndefined()
  now += 1
  expect([limiter.admit('A'), limiter.admit('A'), limiter.admit('A')]).toEqual([1_000_001, 0, undefined])
})

test('one that could not be sent counts for the next, with what it carried', () => {
  let now = 0
  const limiter = new ReportLimiter(1, () => now)
  limiter.admit('A')
  limiter.admit('A')
  now = 60_000
  const suppressed = limiter.admit('A')!
  expect(suppressed).toBe(1)
  limiter.takeBack('A', suppressed)
  now = 120_000
  expect(limiter.admit('A')).toBe(2)
})
