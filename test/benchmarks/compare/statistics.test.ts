import { describe, expect, test } from 'vitest'
import { median, medianBounds, spreadOf } from '../../../benchmarks/compare/statistics.ts'

test('a median is the middle, or between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 })
})

describe('bounds of the median', () => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

  // The chance that at most `cut` of n coins fall on one side, held below 5%: the table of the sign test.
  test.each([
    [1, 1, 1],
    [5, 1, 5],
    [7, 1, 7],
    [8, 2, 7],
    [11, 3, 9],
    [20, 6, 15],
  ])('of %i rounds', (count, low, high) => {
    expect(medianBounds(upTo(count).toReversed())).toEqual([low, high])
  })
})
