import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MessageBuffer } from '../../../src/consumer/partition/message-buffer.ts'
import type { ConsumedMessage } from '../../../src/driver/driver-consumer.ts'
import { range } from '../consume.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const limits = { maxMessages: 3, maxBytes: 100, maxWaitMs: 1_000 }
const message = (offset: number, bytes = 10): ConsumedMessage => ({
  topic: 't',
  partition: 0,
  offset,
  timestamp: offset,
  key: null,
  value: Buffer.alloc(bytes),
  headers: undefined,
})
const offsetOf = ({ offset }: ConsumedMessage): number => offset

describe('a batch', () => {
  test('is no larger than allowed, in messages and in bytes, and holds at least one', () => {
    const buffer = new MessageBuffer(limits, false, () => undefined)
    for (const offset of range(0, 4)) buffer.add(message(offset))
    buffer.add(message(5, 95))
    buffer.add(message(6, 10))
    buffer.add(message(7, 500))
    const batches: number[][] = []
    while (buffer.isReady) batches.push([...buffer.take(offsetOf)])
    expect(batches).toEqual([[0, 1, 2], [3, 4], [5], [6], [7]])
    expect(buffer.length).toBe(0)
  })

  test('that is not full waits for more where it may, and not for ever', () => {
    const ready = vi.fn()
    const buffer = new MessageBuffer(limits, true, ready)
    buffer.add(message(0))
    expect(buffer.isReady).toBe(false)
    vi.advanceTimersByTime(999)
    expect(ready).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(ready).toHaveBeenCalledOnce()
    expect(buffer.isReady).toBe(true)
  })

  test('that is full waits for nothing', () => {
    const buffer = new MessageBuffer(limits, true, () => undefined)
    for (const offset of range(0, 2)) buffer.add(message(offset))
    expect(buffer.isReady).toBe(true)
    buffer.take(offsetOf)
    buffer.add(message(3, 100))
    expect(buffer.isReady).toBe(true)
  })
})

test('that is not full waits for nothing while nothing more comes', () => {
  const buffer = new MessageBuffer(limits, true, () => undefined)
  expect(buffer.add(message(0))).toBe(10)
  expect(buffer.isReady).toBe(false)
  buffer.isClosed = true
  expect([buffer.isReady, buffer.first?.offset]).toEqual([true, 0])
})

test('cleared it has nothing, and waits for nothing', () => {
  const ready = vi.fn()
  const buffer = new MessageBuffer(limits, true, ready)
  buffer.add(message(0))
  expect(buffer.isReady).toBe(false)
  buffer.clear()
  vi.advanceTimersByTime(2_000)
  expect([buffer.length, buffer.isReady, ready.mock.calls.length]).toEqual([0, false, 0])
})

test('what is put back comes again, before what waits', () => {
  const buffer = new MessageBuffer(limits, false, () => undefined)
  for (const offset of range(0, 4)) buffer.add(message(offset))
  buffer.putBack(buffer.take((each) => each).slice(1))
  expect(buffer.take(offsetOf)).toEqual([1, 2, 3])
  expect(buffer.take(offsetOf)).toEqual([4])
})
