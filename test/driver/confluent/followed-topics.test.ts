import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FollowedTopics } from '../../../src/driver/confluent/followed-topics.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function createFollowed(names: string[]) {
  const subscriptions: (readonly string[])[] = []
  const consumer = {
    subscribe: (topics: readonly string[]) => void subscriptions.push(topics),
    unsubscribe: () => void subscriptions.push([]),
  }
  const topicNames = vi.fn<() => Promise<readonly string[]>>(() => Promise.resolve(names))
  return { followed: new FollowedTopics(consumer, { topicNames }), subscriptions, topicNames }
}

test('names are subscribed as they are, and nobody is asked', async () => {
  const { followed, subscriptions, topicNames } = createFollowed([])
  await followed.follow(['b', 'a'])
  await vi.advanceTimersByTimeAsync(120_000)
  expect(subscriptions).toEqual([['a', 'b']])
  expect(topicNames).not.toHaveBeenCalled()
})

test('a pattern follows topics as they come and go; those of Kafka itself are never meant', async () => {
  const names = ['orders.1', 'other', '__consumer_offsets']
  const { followed, subscriptions } = createFollowed(names)
  await followed.follow([/^orders\.\d$/g, /_offsets/, 'fixed'])
  expect(subscriptions).toEqual([['fixed', 'orders.1']])
  await vi.advanceTimersByTimeAsync(30_000)
  expect(subscriptions, 'nothing has changed').toHaveLength(1)
  names.push('orders.2')
  await vi.advanceTimersByTimeAsync(30_000)
  expect(subscriptions.at(-1)).toEqual(['fixed', 'orders.1', 'orders.2'])
  names.splice(0)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(subscriptions.at(-1)).toEqual(['fixed'])
  followed.close()
  names.push('orders.3')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(subscriptions).toHaveLength(3)
})

test('a pattern that matches nothing any more ends the subscription', async () => {
  const names = ['orders']
  const { followed, subscriptions } = createFollowed(names)
  await followed.follow([/^orders/])
  names.splice(0)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(subscriptions).toEqual([['orders'], []])
})

test('the first look fails with its error, a later one is tried again', async () => {
  const { followed, subscriptions, topicNames } = createFollowed(['a'])
  topicNames.mockRejectedValueOnce(new Error('unreachable'))
  await expect(followed.follow([/a/])).rejects.toThrow('unreachable')
  await followed.follow([/a/])
  topicNames.mockRejectedValueOnce(new Error('unreachable'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(subscriptions).toEqual([['a']])
})
