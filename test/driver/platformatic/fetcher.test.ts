import { expect, onTestFinished, test } from 'vitest'
import type { DriverFailure } from '../../../src/driver/driver.ts'
import type { BrokerConnection, FetchRequest } from '../../../src/driver/platformatic/broker-connection.ts'
import { normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import type { FetchAnswer, FetchedPartition } from '../../../src/driver/platformatic/fetch-answer.ts'
import { Fetcher } from '../../../src/driver/platformatic/fetcher.ts'
import { PartitionFeed } from '../../../src/driver/platformatic/partition-feed.ts'
import { PartitionLeaders } from '../../../src/driver/platformatic/partition-leaders.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { failureOf, namesOf } from './fake-coordinator.ts'
import { textBatch } from './write-batch.ts'

const library = await loadPlatformaticModule()

interface Asked extends FetchRequest {
  readonly nodeId: number
  /** Errors and records by partition; an Error for a connection that breaks. */
  answer(partitions: Readonly<Record<number, Buffer | number>> | Error): void
}

/** Brokers that answer when the test says so. */
function startFetcher(options: { prefetchMaxBytes?: number; isolation?: 'committed' | 'uncommitted' } = {}) {
  const leaders = [1, 1, 2]
  const requests: Asked[] = []
  const failures: DriverFailure[] = []
  const located: number[] = []
  let happened = Promise.withResolvers<void>()
  const happen = (): void => {
    happened.resolve()
    happened = Promise.withResolvers()
  }
  const cluster = {
    metadata: (topics: readonly string[] | 'all') =>
      Promise.resolve(new Map(namesOf(topics).map((topic) => [topic, { errorCode: 0, leaders: [...leaders] }]))),
    failureOf,
    failureOfNumber: (number: number, detail?: string | null) => normalizeProtocolError(library, number, detail),
    openAnother: (nodeId: number) => {
      const connection = {
        isOpen: true,
        becomesOpen: () => Promise.resolve(connection.isOpen),
        abort: () => (connection.isOpen = false),
        fetch: (request: FetchRequest) =>
          new Promise<FetchAnswer>((resolve, reject) => {
            const answer: Asked['answer'] = (answers) => {
              if (answers instanceof Error) return reject(answers)
              const partitions = Object.entries(answers).map(([partition, what]): FetchedPartition => ({
                topic: 't',
                partition: Number(partition),
                errorCode: typeof what === 'number' ? what : 0,
                aborted: [],
                records: typeof what === 'number' ? Buffer.alloc(0) : what,
              }))
              resolve({ errorCode: 0, partitions })
            }
            requests.push({ ...request, nodeId, answer })
            happen()
          }),
      }
      return Promise.resolve(connection as unknown as BrokerConnection)
    },
  }
  const fetcher = new Fetcher({
    cluster,
    leaders: new PartitionLeaders(cluster),
    compressions: new Map(),
    options: {
      isolation: options.isolation ?? 'uncommitted',
      prefetchMaxBytes: options.prefetchMaxBytes ?? 1_000_000,
      fetchMaxWaitMs: 100,
      startFrom: 'earliest',
    },
    locate: async (feeds) => {
      for (const feed of feeds) {
        located.push(feed.partition)
        feed.moveTo(0)
      }
    },
    arrived: happen,
    fail: (failure) => {
      failures.push(failure)
      happen()
    },
  })
  onTestFinished(() => fetcher.close())
  const add = (partition: number, offset: number): PartitionFeed => {
    const feed = new PartitionFeed({ topic: 't', partition })
    fetcher.add(feed)
    feed.moveTo(offset)
    return feed
  }
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await happened.promise
  }
  const nth = async (number: number): Promise<Asked> => {
    await until(() => requests.length >= number)
    return requests[number - 1]!
  }
  const takeTexts = (max = 100): string[] => fetcher.take(max).map(({ value }) => String(value))
  return { fetcher, add, requests, failures, located, leaders, until, nth, takeTexts }
}

const offsetsOf = ({ partitions }: Asked): string[] =>
  partitions.map(({ partition, offset }) => `${partition}:${offset}`)

test('each leader is asked for its partitions; the next request goes while there is room, before anything is taken', async () => {
  const { fetcher, add, nth, takeTexts, until } = startFetcher()
  add(0, 5)
  add(1, 0)
  add(2, 9)
  fetcher.fetch()
  const [first, second] = [await nth(1), await nth(2)]
  expect([first, second].map((asked) => [asked.nodeId, offsetsOf(asked)])).toEqual([
    [1, ['0:5', '1:0']],
    [2, ['2:9']],
  ])
  expect(first).toMatchObject({ maxWaitMs: 100, isCommittedOnly: false })
  first.answer({ 0: textBatch(5, ['a', 'b']) })
  // Another one is first in turn.
  expect(offsetsOf(await nth(3))).toEqual(['1:0', '0:7'])
  await until(() => true)
  expect(takeTexts()).toEqual(['a', 'b'])
})

test('never more is asked for than has room; taking makes room', async () => {
  const batch = textBatch(0, ['x'.repeat(2000)])
  const { fetcher, add, nth, requests, takeTexts } = startFetcher({ prefetchMaxBytes: batch.length * 2 })
  add(0, 0)
  fetcher.fetch()
  const first = await nth(1)
  expect(first.maxBytes).toBe(batch.length * 2)
  first.answer({ 0: batch })
  const second = await nth(2)
  expect(second.maxBytes).toBe(batch.length)
  second.answer({ 0: textBatch(1, ['y'.repeat(2000)]) })
  await new Promise((resolve) => setImmediate(resolve))
  fetcher.fetch()
  expect(requests).toHaveLength(2)
  expect(takeTexts(1)).toHaveLength(1)
  await nth(3)
})

test('while one has enough, a broker waits for messages of others only for a moment', async () => {
  const batch = textBatch(0, ['x'.repeat(2000)])
  const { fetcher, add, nth } = startFetcher({ prefetchMaxBytes: batch.length * 2 })
  add(0, 0)
  add(1, 0)
  fetcher.fetch()
  const first = await nth(1)
  expect(first.maxWaitMs).toBe(100)
  first.answer({ 0: batch })
  const second = await nth(2)
  expect([offsetsOf(second), second.maxWaitMs]).toEqual([['1:0'], 20])
})

test('partitions take turns, and none has more than its share', async () => {
  const { fetcher, add, nth, takeTexts } = startFetcher()
  add(0, 0)
  add(1, 0)
  fetcher.fetch()
  ;(await nth(1)).answer({ 0: textBatch(0, ['a0', 'a1']), 1: textBatch(0, ['b0', 'b1']) })
  await nth(2)
  expect([takeTexts(1), takeTexts(1), takeTexts(2)]).toEqual([['a0'], ['b0'], ['a1', 'b1']])
})

test('what was asked for before a pause or a move is not wanted', async () => {
  const { fetcher, add, nth, takeTexts } = startFetcher()
  const feed = add(0, 0)
  fetcher.fetch()
  const first = await nth(1)
  feed.drop()
  feed.isPaused = true
  first.answer({ 0: textBatch(0, ['a']) })
  await new Promise((resolve) => setImmediate(resolve))
  expect(takeTexts()).toEqual([])
  feed.isPaused = false
  fetcher.fetch()
  expect(offsetsOf(await nth(2))).toEqual(['0:0'])
})

test('an offset that is not there is told, and the partition starts anew', async () => {
  const { fetcher, add, nth, failures, located } = startFetcher()
  add(0, 77)
  fetcher.fetch()
  ;(await nth(1)).answer({ 0: 1 })
  expect(offsetsOf(await nth(2))).toEqual(['0:0'])
  expect(located).toEqual([0])
  expect(failures).toMatchObject([{ code: 'OFFSET_UNAVAILABLE', driverCode: 1 }])
  expect(failures[0]?.reason).toContain('t/0 has no offset 77')
})

test('a new leader is looked for, without a word', async () => {
  const { fetcher, add, nth, leaders, failures } = startFetcher()
  add(0, 4)
  fetcher.fetch()
  const first = await nth(1)
  leaders[0] = 2
  first.answer({ 0: 6 })
  const second = await nth(2)
  expect([second.nodeId, offsetsOf(second)]).toEqual([2, ['0:4']])
  expect(failures).toEqual([])
})

test('a connection that breaks is told, and made again', async () => {
  const { fetcher, add, nth, failures } = startFetcher()
  add(0, 4)
  fetcher.fetch()
  ;(await nth(1)).answer(new Error('Connection closed'))
  expect(offsetsOf(await nth(2))).toEqual(['0:4'])
  expect(failures).toHaveLength(1)
})

test('what cannot be read is told and asked for again, and other partitions go on', async () => {
  const { fetcher, add, nth, failures, takeTexts, until } = startFetcher()
  add(0, 0)
  add(1, 0)
  fetcher.fetch()
  const unreadable = Buffer.concat([textBatch(0, ['a']), textBatch(1, ['b'], { attributes: 7 })])
  ;(await nth(1)).answer({ 0: unreadable, 1: textBatch(0, ['c']) })
  await until(() => true)
  const second = await nth(2)
  expect(takeTexts().toSorted()).toEqual(['a', 'c'])
  expect(failures).toMatchObject([{ code: 'DRIVER_FAILED', retriable: true }])
  expect(failures[0]?.reason).toContain('the messages of t/0 from offset 1 on cannot be read')
  second.answer({})
  expect((await nth(3)).partitions.map(({ partition }) => partition)).toContain(1)
  const old = textBatch(1, ['b'])
  old[16] = 0
  let asked = 3
  while (!offsetsOf(await nth(asked)).includes('0:1')) (await nth(asked++)).answer({})
  ;(await nth(asked)).answer({ 0: old })
  await until(() => failures.length > 1)
  expect(failures[1]?.reason).toContain('of version 0')
})

test('partitions that are taken away are not asked for any more', async () => {
  const { fetcher, add, nth, takeTexts } = startFetcher()
  add(0, 0)
  add(1, 0)
  fetcher.fetch()
  const first = await nth(1)
  fetcher.remove([{ topic: 't', partition: 0 }])
  first.answer({ 0: textBatch(0, ['a']), 1: textBatch(0, ['b']) })
  expect(offsetsOf(await nth(2))).toEqual(['1:1'])
  expect(takeTexts()).toEqual(['b'])
  expect(fetcher.get({ topic: 't', partition: 0 })).toBeUndefined()
})
