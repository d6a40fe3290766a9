import { describe, expect, test } from 'vitest'
import {
  laterAttemptsOf,
  refuseRetryOrder,
  RetryTopics,
  type RetryTopicConfig,
} from '../../src/factory/retry-topics.ts'
import { catchError } from '../catch-error.ts'

const config: RetryTopicConfig = {
  commit: 'interval',
  retryLaterMs: [10, 60],
  retryOrder: 'none',
  retryTopic: '{topic}.{group}.retry-{n}',
}

const topicsOf = (
  given: Partial<RetryTopicConfig> = {},
  topics: readonly (string | RegExp)[] = ['a', 'b'],
  group = 'g',
): RetryTopics =>
  new RetryTopics({ manifest: 'Orders', group, topics }, { ...config, ...given }, (name) => `dev.${name}`)

describe('retry topics', () => {
  test('there is one for each wait and topic, and a message goes on from one to the next', () => {
    const topics = topicsOf()
    expect(topics.names.toSorted()).toEqual(['a.g.retry-1', 'a.g.retry-2', 'b.g.retry-1', 'b.g.retry-2'])
    expect(topics.after('b')).toMatchObject({ name: 'b.g.retry-1', source: 'b', number: 1, delayMs: 10 })
    expect(topics.after('b.g.retry-1')).toMatchObject({ name: 'b.g.retry-2', source: 'b', number: 2, delayMs: 60 })
    expect(topics.after('b.g.retry-2')).toBeUndefined()
    expect([topics.find('a'), topics.find('a.g.retry-2')?.number]).toEqual([undefined, 2])
  })

  test('without {topic} they are for all topics, have the prefix, and serve a pattern too', () => {
    const topics = topicsOf({ retryTopic: 'retries.{group}.{n}' }, [/^a/])
    expect(topics.names.toSorted()).toEqual(['dev.retries.g.1', 'dev.retries.g.2'])
    expect(topics.after('abc')).toMatchObject({ name: 'dev.retries.g.1', source: undefined })
    expect(topics.after('dev.retries.g.1')?.name).toBe('dev.retries.g.2')
  })

  test.each([
    ['where the order of keys is kept', { retryOrder: 'key' }],
    ['with at most once', { commit: 'before' }],
    ['where nothing is put off', { retryLaterMs: [] }],
  ] as const)('there are none %s', (_name, given) => {
    const topics = topicsOf(given)
    expect([topics.names, topics.after('a')]).toEqual([[], undefined])
  })

  test.each([
    ['a group that is no part of a name', {}, ['a'], 'b:c', '"a.b:c.retry-2" is not a legal topic name'],
    ['a pattern and {topic}', {}, [/^a/], 'g', 'without {topic}'],
    ['a pattern that means them', { retryTopic: 'x{n}' }, [/^dev/], 'g', 'dev.x2 is one of the topics'],
    ['a topic of that name', {}, ['a', 'a.g.retry-1'], 'g', 'a.g.retry-1 is one of the topics'],
  ] as const)('%s is refused', (_name, given, topics, group, text) => {
    const error = catchError(() => topicsOf(given, topics, group))
    expect(error.code).toBe('MANIFEST_INVALID')
    expect(error.message).toContain(text)
  })
})

test('at most once has no later attempts', () => {
  expect([laterAttemptsOf(config), laterAttemptsOf({ ...config, commit: 'before' })]).toEqual([[10, 60], []])
})

test.each([
  [{ retryOrder: 'key', commit: 'manual' }, 'retryOrder must be "none" with commit: "manual"'],
  [{ retryOrder: 'none', partitions: 'all' }, 'retryOrder must be "key" with partitions'],
] as const)('%o is refused', (given, text) => {
  const all = { ...config, partitions: undefined, ...given }
  expect(catchError(() => refuseRetryOrder('Orders', all)).message).toContain(text)
  expect(() => refuseRetryOrder('Orders', { ...all, retryLaterMs: [] })).not.toThrow()
})
