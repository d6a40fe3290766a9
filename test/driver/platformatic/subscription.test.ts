import { expect, onTestFinished, test, vi } from 'vitest'
import type { DriverFailure } from '../../../src/driver/driver.ts'
import { Subscription } from '../../../src/driver/platformatic/subscription.ts'
import { failureOf } from './fake-coordinator.ts'

function subscribe(topics: readonly (string | RegExp)[], counts: Record<string, number>) {
  const asked: unknown[] = []
  const failures: DriverFailure[] = []
  let changes = 0
  const subscription = new Subscription({
    topics,
    cluster: {
      metadata: (names) => {
        asked.push(names)
        const wanted = names === 'all' ? Object.keys(counts) : names
        const found = wanted.flatMap((name) => {
          const count = counts[name]
          const leaders = Array.from({ length: count ?? 0 }, () => 1)
          return names === 'all' && count === undefined ? [] : [[name, { errorCode: count ? 0 : 3, leaders }] as const]
        })
        return Promise.resolve(new Map(found))
      },
      failureOf,
      failureOfNumber: (number, reason) => ({ code: 'TOPIC_NOT_FOUND', driverCode: number, reason: String(reason) }),
    },
    changed: () => changes++,
    fail: (failure) => failures.push(failure),
  })
  onTestFinished(() => subscription.close())
  return { subscription, asked, failures, changes: () => changes, counts }
}

test('names are asked for; one that is missing is told of once, and belongs to the subscription all the same', async () => {
  const { subscription, asked, failures } = subscribe(['b', 'a'], { a: 1 })
  await subscription.start()
  await subscription.start()
  expect(subscription.topics).toEqual(['a', 'b'])
  expect(asked[0]).toEqual(['b', 'a'])
  expect(failures).toEqual([{ code: 'TOPIC_NOT_FOUND', driverCode: 3, reason: 'b' }])
})

test('a pattern means what matches and comes to match, but no topic of Kafka’s own', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { subscription, asked, changes, counts } = subscribe([/^a\.|_/g, 'b'], {
    'a.1': 1,
    b: 1,
    __consumer_offsets: 4,
  })
  await subscription.start()
  expect(asked).toEqual(['all'])
  expect(subscription.topics).toEqual(['a.1', 'b'])
  const before = changes()
  counts['a.2'] = 1
  await vi.advanceTimersByTimeAsync(30_000)
  expect([subscription.topics, changes()]).toEqual([['a.1', 'a.2', 'b'], before + 1])
  await vi.advanceTimersByTimeAsync(30_000)
  expect(changes()).toBe(before + 1)
})

test('partitions that are added to what is watched are a change, and a topic that is missing is looked for sooner', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { subscription, changes, counts } = subscribe(['a'], { a: 1 })
  await subscription.start()
  subscription.watch(
    new Map([
      ['a', 1],
      ['other', 0],
    ]),
  )
  const before = changes()
  await vi.advanceTimersByTimeAsync(999)
  expect(changes()).toBe(before)
  counts['other'] = 2
  await vi.advanceTimersByTimeAsync(1)
  expect(changes()).toBe(before + 1)
  subscription.watch(new Map([['a', 1]]))
  counts['a'] = 3
  await vi.advanceTimersByTimeAsync(30_000)
  expect(changes()).toBe(before + 2)
  subscription.close()
  expect(vi.getTimerCount()).toBe(0)
})
