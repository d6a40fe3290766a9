import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BatchHold } from '../../../src/driver/confluent/batch-hold.ts'

describe('BatchHold', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  /** So many were taken, and so many of them are left. */
  function hold(taken: number, left: number): BatchHold {
    const held = new BatchHold()
    for (let underWay = 1; underWay <= taken; underWay++) held.taken(underWay)
    held.reported(left)
    return held
  }

  test.each([
    [10, 8, true],
    [10, 5, false],
    [10, 0, false],
    [6, 4, false],
    [64, 60, true],
    [100, 90, false],
  ])('of %i taken %i are under way: holding is %s', (taken, left, isHolding) => {
    expect(hold(taken, left).isHolding).toBe(isHolding)
  })

  test('what is left begins the next batch', () => {
    const held = hold(10, 5)
    held.taken(6)
    held.taken(7)
    held.reported(5)
    expect(held.isHolding).toBe(true)
  })

  test('what is left of many is not held for, until they are long gone', () => {
    const held = hold(1000, 60)
    held.reported(50)
    expect(held.isHolding).toBe(false)
    for (let report = 0; report < 60; report++) held.reported(10)
    held.reported(9)
    expect(held.isHolding).toBe(true)
  })

  test('it ends after 100 ms without an answer', () => {
    const held = hold(10, 8)
    vi.advanceTimersByTime(99)
    expect(held.isHolding).toBe(true)
    vi.advanceTimersByTime(1)
    expect(held.isHolding).toBe(false)
  })
})
