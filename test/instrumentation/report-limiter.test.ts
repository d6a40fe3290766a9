import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ReportLimiter } from '../../src/instrumentation/report-limiter.ts'

let passed: (readonly [report: string, suppressed: number])[] = []
let isRefusing = false

function limiterOf(maxPerMinute: number): ReportLimiter<string> {
  return new ReportLimiter(maxPerMinute, (report, suppressed) => {
    if (!isRefusing) passed.push([report, suppressed])
    return !isRefusing
  })
}

beforeEach(() => {
  passed = []
  isRefusing = false
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => vi.useRealTimers())

test('so many of a code pass in a minute; codes do not share', () => {
  const limiter = limiterOf(2)
  for (let count = 0; count < 1_000_000; count++) limiter.add('A', `a${count}`)
  limiter.add('B', 'b')
  expect(passed).toEqual([
    ['a0', 0],
    ['a1', 0],
    ['b', 0],
  ])
})

test('when the minute is over the newest one held back tells of the others, though no further one comes', () => {
  const limiter = limiterOf(1)
  for (const report of ['a', 'b', 'c', 'd']) limiter.add('A', report)
  vi.advanceTimersByTime(59_999)
  expect(passed).toEqual([['a', 0]])
  vi.advanceTimersByTime(1)
  expect(passed).toEqual([
    ['a', 0],
    ['d', 2],
  ])
  vi.advanceTimersByTime(600_000)
  expect(passed, 'once').toHaveLength(2)
  limiter.add('A', 'e')
  expect(passed.at(-1)).toEqual(['e', 0])
})

test('the one that tells of the others counts in the new minute', () => {
  const limiter = limiterOf(1)
  limiter.add('A', 'a')
  limiter.add('A', 'b')
  vi.advanceTimersByTime(60_000)
  limiter.add('A', 'c')
  expect(passed).toEqual([
    ['a', 0],
    ['b', 0],
  ])
  vi.advanceTimersByTime(60_000)
  expect(passed.at(-1)).toEqual(['c', 0])
})

test('at the end what is held back is told at once, and no timer is left', () => {
  const limiter = limiterOf(1)
  for (const report of ['a', 'b', 'c']) limiter.add('A', report)
  limiter.close()
  expect(passed).toEqual([
    ['a', 0],
    ['c', 1],
  ])
  expect(vi.getTimerCount()).toBe(0)
})

test('one that could not be taken counts for the next, with what it carried', () => {
  const limiter = limiterOf(1)
  limiter.add('A', 'a')
  limiter.add('A', 'b')
  limiter.add('A', 'c')
  isRefusing = true
  vi.advanceTimersByTime(60_000)
  isRefusing = false
  vi.advanceTimersByTime(60_000)
  expect(passed).toEqual([
    ['a', 0],
    ['c', 1],
  ])
})
