import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startLagWatch } from '../../../src/consumer/membership/lag-watch.ts'
import type { PartitionWork } from '../../../src/consumer/partition/partition-work.ts'
import type { DriverConsumer } from '../../../src/driver/driver-consumer.ts'
import type { MessagingError } from '../../../src/errors/messaging-error.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface WatchOptions {
  readonly high?: number
  readonly committed?: number
  readonly startFrom?: string
  readonly work?: object
}

function watch({ high = 10, committed = 4, startFrom = 'earliest', work: given = {} }: WatchOptions = {}) {
  const measured: unknown[] = []
  const work = {
    topic: 't',
    partition: 0,
    progress: { reached: undefined, committed: undefined },
    nextOffset: undefined as number | undefined,
    firstOffset: undefined as number | undefined,
    lag: undefined as number | undefined,
    buffered: 0,
    isRunning: false,
    isHeldBack: false,
    isPaused: false,
    isEnding: false,
    pauseList: [],
    oldestTimestamp: undefined as number | undefined,
    consumer: {
      plan: { name: 'M', group: 'g', config: { stuckMs: 60_000, startFrom } },
      ledger: { publish: (_: string, details: () => unknown) => measured.push(details()) },
    },
    ...given,
  }
  const broker = { high, isConnected: true }
  const consumer = {
    watermarks: () => Promise.resolve({ low: 1, high: broker.high }),
    committed: () => Promise.resolve([{ topic: 't', partition: 0, offset: committed }]),
  }
  const stuck: MessagingError[] = []
  const failed: unknown[] = []
  const lagWatch = startLagWatch(10_000, {
    consumers: [],
    works: () => [work as unknown as PartitionWork],
    consumer: () => (broker.isConnected ? (consumer as unknown as DriverConsumer) : undefined),
    stuck: (error) => stuck.push(error),
    failed: (error) => failed.push(error),
  })!
  return { work, broker, consumer, measured, stuck, failed, lagWatch }
}

test('lag is what is there and not done, age that of the oldest message that waits', async () => {
  const { measured, lagWatch } = watch({
    work: { progress: { reached: 7 }, nextOffset: 9, oldestTimestamp: Date.now() - 500 },
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(measured).toEqual([{ topic: 't', partition: 0, lag: 3, oldestAgeMs: 10_500 }])
  lagWatch.stop()
  await vi.advanceTimersByTimeAsync(100_000)
  expect(measured).toHaveLength(1)
})

test.each([
  ['the committed offset', { committed: 4 }, 6],
  ['the first message', { committed: -1 }, 9],
  ['nobody knows where, with startFrom latest', { committed: -1, startFrom: 'latest' }, undefined],
])('before anything is done, counting begins at %s', async (_name, given, lag) => {
  const { work } = watch(given)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(work.lag).toBe(lag)
})

test('a partition that gives nothing while its end moves on is stuck, once for each place', async () => {
  const { stuck, work, broker } = watch()
  await vi.advanceTimersByTimeAsync(60_000)
  broker.high = 12
  expect(stuck).toEqual([])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(stuck).toMatchObject([{ code: 'CONSUMER_STUCK', manifest: 'M' }])
  expect(stuck[0]!.message).toBe(
    'Consumer M got nothing of partition 0 of t for 60000 ms, though 8 messages are there.',
  )
  broker.high = 20
  await vi.advanceTimersByTimeAsync(100_000)
  expect(stuck).toHaveLength(1)
  work.nextOffset = 8
  await vi.advanceTimersByTimeAsync(10_000)
  broker.high = 30
  await vi.advanceTimersByTimeAsync(60_000)
  expect(stuck).toHaveLength(2)
})

test('where a new client gets nothing either for as long, the partition is said to be stuck', async () => {
  const { stuck, work, broker } = watch()
  const stuckSince = (): number | undefined => (work as { stuckSince?: number }).stuckSince
  await vi.advanceTimersByTimeAsync(10_000)
  broker.high = 12
  await vi.advanceTimersByTimeAsync(60_000)
  expect([stuck.length, stuckSince()]).toEqual([1, undefined])
  await vi.advanceTimersByTimeAsync(50_000)
  expect(stuckSince()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(stuckSince()).toBe(performance.now())
})

test('what is behind an end that stands still is nothing that could come', async () => {
  const { stuck } = watch()
  await vi.advanceTimersByTimeAsync(1_000_000)
  expect(stuck).toEqual([])
})

test('a message that has just come to a partition where long nothing came is not late', async () => {
  const { stuck, broker, work } = watch({ high: 4 })
  await vi.advanceTimersByTimeAsync(600_000)
  broker.high = 5
  await vi.advanceTimersByTimeAsync(10_000)
  work.nextOffset = 5
  await vi.advanceTimersByTimeAsync(600_000)
  expect(stuck).toEqual([])
})

test.each([
  { buffered: 1 },
  { isRunning: true },
  { isPaused: true },
  { isHeldBack: true },
  { isEnding: true },
  { nextOffset: 10 },
])('%o is not stuck', async (given) => {
  const { stuck, broker } = watch({ work: given })
  await vi.advanceTimersByTimeAsync(100_000)
  if (!('nextOffset' in given)) broker.high = 20
  await vi.advanceTimersByTimeAsync(100_000)
  expect(stuck).toEqual([])
})

test('a broker that does not answer is told, and asked again', async () => {
  const { consumer, failed, work } = watch()
  const { watermarks } = consumer
  consumer.watermarks = () => Promise.reject(new Error('no answer'))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(failed).toHaveLength(1)
  consumer.watermarks = watermarks
  await vi.advanceTimersByTimeAsync(10_000)
  expect(work.lag).toBe(6)
})

test('a client that is closed while it asks is no trouble', async () => {
  const { broker, consumer, failed } = watch()
  consumer.watermarks = async () => {
    broker.isConnected = false
    throw new Error('the consumer is closed')
  }
  await vi.advanceTimersByTimeAsync(10_000)
  expect(failed).toEqual([])
})

test('at 0 nothing is measured', () => {
  expect(startLagWatch(0, {} as never)).toBeUndefined()
})
