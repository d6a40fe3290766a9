import { describe, expect, test } from 'vitest'
import { attemptsOf, backoffMs, describePolicy, type RetryConfig } from '../../../src/consumer/handling/retry-policy.ts'

const config: RetryConfig = {
  commit: 'interval',
  retryAttempts: 6,
  retryDelayMs: 1_000,
  retryMaxDelayMs: 5_000,
  onFailure: 'dead-letter',
  retryLaterMs: [],
  retryOrder: 'key',
  retryTopic: '{topic}.{group}.retry-{n}',
  deadLetterTopic: '{topic}.dead-letter',
}

describe('the wait after an attempt', () => {
  test('doubles until it is long enough', () => {
    expect([1, 2, 3, 4, 5, 5_000].map((attempt) => backoffMs(config, attempt, () => 0))).toEqual([
      1_000, 2_000, 4_000, 5_000, 5_000, 5_000,
    ])
  })

  test('is shortened by chance, by up to a half', () => {
    expect(backoffMs(config, 1, () => 0.5)).toBe(750)
    expect(backoffMs(config, 1, () => 1)).toBe(500)
    expect(new Set(Array.from({ length: 50 }, () => backoffMs(config, 1))).size).toBeGreaterThan(1)
  })
})

test('what is committed before it is handled has one attempt', () => {
  expect([attemptsOf(config), attemptsOf({ ...config, commit: 'before' })]).toEqual([6, 1])
})

test.each([
  [{}, '6 attempts, 1000 to 5000 ms apart, then to {topic}.dead-letter; offsets committed: interval'],
  [{ onFailure: 'skip', commit: 'before' }, 'one attempt, then left out; offsets committed: before'],
  [
    { retryLaterMs: [5, 60], retryAttempts: 1 },
    'one attempt, 2 more after 5, 60 ms, its key waiting, then to {topic}.dead-letter; offsets committed: interval',
  ],
  [
    { retryLaterMs: [5], retryOrder: 'none', onFailure: 'skip' },
    '6 attempts, 1000 to 5000 ms apart, 1 more after 5 ms, by way of {topic}.{group}.retry-{n}, then left out; offsets committed: interval',
  ],
  [{ onFailure: 'stop', retryAttempts: 1 }, 'one attempt, then the consumer stops; offsets committed: interval'],
] as const)('%o reads as a sentence', (given, text) => {
  expect(describePolicy({ ...config, ...given })).toBe(text)
})
