import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BufferBudget, messageOverheadBytes } from '../../../src/consumer/partition/buffer-budget.ts'
import { ReadAhead } from '../../../src/consumer/partition/read-ahead.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

const mebibyte = 1_048_576

function create({ bufferMaxBytes = 8 * mebibyte, maxWaitMs = 0 } = {}) {
  const budget = new BufferBudget(1e9)
  return { budget, readAhead: new ReadAhead(budget, { bufferMaxBytes, maxWaitMs }) }
}

/** Held back for so long, then resumed with so much still there. */
function holdBack(readAhead: ReadAhead, ms: number, left = 0): void {
  readAhead.clear()
  readAhead.holdBack()
  vi.advanceTimersByTime(ms)
  if (left > 0) readAhead.add(left)
  readAhead.resume()
  readAhead.add(1)
}

test('it holds what has come and is not done, with what objects take', () => {
  const { budget, readAhead } = create()
  readAhead.add(100)
  readAhead.add(0)
  expect([readAhead.held, budget.used]).toEqual([100 + 2 * messageOverheadBytes, readAhead.held])
  readAhead.done(100)
  expect([readAhead.held, budget.used]).toEqual([messageOverheadBytes, messageOverheadBytes])
  readAhead.clear()
  readAhead.done(100)
  expect([readAhead.held, budget.used]).toEqual([0, 0])
})

test('a partition whose handler had nothing to do before messages came again gets twice as much, up to its bound', () => {
  const { readAhead } = create()
  const wanted = [readAhead.wantedBytes]
  for (let times = 0; times < 4; times++) {
    holdBack(readAhead, 100)
    wanted.push(readAhead.wantedBytes)
  }
  expect(wanted.map((bytes) => bytes / mebibyte)).toEqual([2, 4, 8, 8, 8])
})

test('one whose handler still had something keeps what it has', () => {
  const { readAhead } = create()
  holdBack(readAhead, 100, 5)
  readAhead.add(1)
  expect(readAhead.wantedBytes).toBe(2 * mebibyte)
})

test('one that takes long to make room gets half of it, down to what a fetch is worth', () => {
  const { readAhead } = create()
  holdBack(readAhead, 10_001)
  expect(readAhead.wantedBytes).toBe(mebibyte)
  for (let times = 0; times < 10; times++) holdBack(readAhead, 60_000)
  expect(readAhead.wantedBytes).toBe(65_536)
})

test('it never wants more than its bound; who waits for large batches wants all of it from the start', () => {
  expect(create({ bufferMaxBytes: 100 }).readAhead.wantedBytes).toBe(100)
  expect(create({ maxWaitMs: 1 }).readAhead.wantedBytes).toBe(8 * mebibyte)
})

test('it is enough with what it wants or may have, and low with half of that', () => {
  const { readAhead } = create({ bufferMaxBytes: 10_000, maxWaitMs: 1 })
  readAhead.add(5_000 - messageOverheadBytes)
  expect([readAhead.isEnough(5_000), readAhead.isEnough(5_001), readAhead.isEnough(0)]).toEqual([true, false, true])
  expect([readAhead.isLow(9_999), readAhead.isLow(1e9), readAhead.isLow(0)]).toEqual([false, true, false])
  readAhead.add(5_000 - messageOverheadBytes)
  expect(readAhead.isEnough(1e9)).toBe(true)
})

test('what is put aside is no part of what is wanted, but of what it may have', () => {
  const readAhead = new ReadAhead(new BufferBudget(1e9), { bufferMaxBytes: 10_000, maxWaitMs: 1 }, () => 6_000)
  readAhead.add(15_999 - messageOverheadBytes)
  expect([readAhead.isEnough(1e9), readAhead.isEnough(15_999), readAhead.isLow(1e9)]).toEqual([false, true, false])
  readAhead.done(4_999 - messageOverheadBytes)
  expect([readAhead.isLow(1e9), readAhead.isLow(15_000)]).toEqual([true, false])
})

test('it is held back from when it is said until it is resumed', () => {
  const { readAhead } = create()
  expect(readAhead.isHeldBack).toBe(false)
  readAhead.holdBack()
  expect(readAhead.isHeldBack).toBe(true)
  readAhead.resume()
  expect(readAhead.isHeldBack).toBe(false)
})
