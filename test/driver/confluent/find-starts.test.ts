import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CommittedPosition, TopicPartition } from '../../../src/driver/driver-consumer.ts'
import { findStarts, type StartParts } from '../../../src/driver/confluent/find-starts.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const partitions = [0, 1].map((partition) => ({ topic: 'orders', partition }))

function createParts(answer: Promise<CommittedPosition[]>, options: Partial<StartParts['options']> = {}) {
  const commits = { areUnderWay: false }
  const committed = vi.fn((_partitions: readonly TopicPartition[], _giveUpAt?: number) => answer)
  const parts: StartParts = {
    requests: { committed },
    commits,
    options: { startFrom: 'earliest', passThrough: {}, ...options },
  }
  return { parts, commits, committed }
}

const found = (...offsets: number[]): Promise<CommittedPosition[]> =>
  Promise.resolve(offsets.map((offset, partition) => ({ topic: 'orders', partition, offset })))

test('partitions without an offset of the group start where the consumer does, the others where librdkafka finds', async () => {
  const start = (offset: number) => [{ topic: 'orders', partition: 1, offset }]
  expect(await findStarts(partitions, createParts(found(7, -1)).parts)).toEqual(start(-2))
  expect(await findStarts(partitions, createParts(found(0, -1), { startFrom: 'latest' }).parts)).toEqual(start(-1))
  expect(await findStarts(partitions, createParts(found(7, 9)).parts)).toEqual([])
})

test('an answer that does not come in time is not waited for, and neither is one that is an error', async () => {
  const { parts, committed } = createParts(new Promise(() => undefined))
  const starts = findStarts(partitions, parts)
  expect(committed).toHaveBeenCalledWith(partitions, performance.now() + 500)
  await vi.advanceTimersByTimeAsync(500)
  expect(await starts).toEqual([])
  expect(await findStarts(partitions, createParts(Promise.reject(new Error('no coordinator'))).parts)).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('nobody is asked while commits are under way, nor where librdkafka was set up to do something else', async () => {
  const { parts, commits, committed } = createParts(found(-1, -1))
  commits.areUnderWay = true
  expect(await findStarts(partitions, parts)).toEqual([])
  const other = createParts(found(-1, -1), { passThrough: { 'auto.offset.reset': 'error' } })
  expect(await findStarts(partitions, other.parts)).toEqual([])
  expect([committed, other.committed].map(({ mock }) => mock.calls)).toEqual([[], []])
})
