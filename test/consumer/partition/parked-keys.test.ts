import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { IncomingMessage } from '../../../src/consumer/handling/incoming-message.ts'
import { ParkedKeys } from '../../../src/consumer/partition/parked-keys.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const message = (offset: number, key: string | null): IncomingMessage =>
  new IncomingMessage({
    topic: 't',
    partition: 0,
    offset,
    timestamp: 100 - offset,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.alloc(9),
    headers: undefined,
  })
const offsets = (messages: readonly IncomingMessage[]): number[] => messages.map(({ offset }) => offset)

test('messages of a key that waits go behind it, until its attempt is due', () => {
  const due = vi.fn()
  const parked = new ParkedKeys(due)
  parked.park(message(0, 'a'), 1_000)
  parked.park(message(1, 'b'), 500)
  expect([2, 3, 4].map((offset) => parked.follow(message(offset, offset === 3 ? 'c' : 'a')))).toEqual([
    true,
    false,
    true,
  ])
  expect([parked.length, parked.bytes, parked.isDue, parked.oldestTimestamp]).toEqual([4, 40, false, 99])
  expect(parked.pause).toEqual({
    owner: 'retry',
    reason: '4 messages of 2 keys wait for a later attempt',
    since: Date.now(),
    until: Date.now() + 500,
  })
  vi.advanceTimersByTime(501)
  expect([due.mock.calls.length, parked.isDue]).toEqual([1, true])
  expect(offsets(parked.takeDue())).toEqual([1])
  expect([parked.isDue, parked.follow(message(5, 'b'))]).toEqual([false, false])
  vi.advanceTimersByTime(500)
  expect(due).toHaveBeenCalledTimes(2)
  expect(offsets(parked.takeDue())).toEqual([0, 2, 4])
  expect([parked.length, parked.bytes, parked.pause, parked.oldestTimestamp]).toEqual([0, 0, undefined, undefined])
})

test('messages without key wait by themselves', () => {
  const parked = new ParkedKeys(() => undefined)
  parked.park(message(0, null), 100)
  parked.park(message(1, null), 200)
  expect(parked.follow(message(2, null))).toBe(false)
  vi.advanceTimersByTime(100)
  expect(offsets(parked.takeDue())).toEqual([0])
})

test('what is due and not taken is told once: the partition may be held back by something else', () => {
  const due = vi.fn()
  const parked = new ParkedKeys(due)
  parked.park(message(0, 'a'), 10)
  vi.advanceTimersByTime(10_000)
  expect(due).toHaveBeenCalledTimes(1)
})

test('all of it is taken back without waiting, and nothing is told after that', () => {
  const due = vi.fn()
  const parked = new ParkedKeys(due)
  parked.park(message(0, 'a'), 10)
  parked.follow(message(1, 'a'))
  parked.park(message(2, 'b'), 5)
  expect(offsets(parked.takeAll())).toEqual([0, 1, 2])
  vi.advanceTimersByTime(100)
  expect([due.mock.calls.length, parked.length]).toEqual([0, 0])
})

test('a wait longer than a timer can be is kept', () => {
  const due = vi.fn()
  const parked = new ParkedKeys(due)
  parked.park(message(0, 'a'), 3_000_000_000)
  vi.advanceTimersByTime(2_999_999_999)
  expect(due).not.toHaveBeenCalled()
  vi.advanceTimersByTime(3)
  expect(due).toHaveBeenCalledTimes(1)
})
