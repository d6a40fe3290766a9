import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DriverFailure } from '../../src/driver/driver.ts'
import { WaitingLine, type Waiter } from '../../src/driver/waiting-line.ts'

const timeoutMs = 1000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Waiters that share `room` and write down what becomes of them. */
function createWaiters(room: number) {
  const shared = { room, log: [] as string[], abandoned: new Set<string>() }
  const createWaiter = (name: string, { bytes = 1, onAdmit = () => {} } = {}): Waiter => ({
    bytes,
    admit: () => {
      if (shared.room < bytes) return false
      shared.room -= bytes
      shared.log.push(`${name} in`)
      onAdmit()
      return true
    },
    expire: ({ code }: DriverFailure) => void shared.log.push(`${name} ${code}`),
    abandoned: () => shared.abandoned.has(name),
  })
  return { shared, createWaiter }
}

test('first come, first served, for as long as there is room', () => {
  const { shared, createWaiter } = createWaiters(2)
  const line = new WaitingLine(timeoutMs, () => {})
  for (const name of ['a', 'b', 'c']) line.enter(createWaiter(name))
  line.serve()
  expect(shared.log).toEqual(['a in', 'b in'])
  expect([line.length, line.bytes]).toEqual([1, 1])
  shared.room = 1
  line.serve()
  expect(shared.log).toEqual(['a in', 'b in', 'c in'])
  expect([line.length, line.bytes]).toEqual([0, 0])
})

test('nobody overtakes a large one that does not fit yet', () => {
  const { shared, createWaiter } = createWaiters(1)
  const line = new WaitingLine(timeoutMs, () => {})
  line.enter(createWaiter('large', { bytes: 5 }))
  line.enter(createWaiter('small'))
  line.serve()
  expect(shared.log).toEqual([])
})

test('one that was given up is passed over and takes no room', () => {
  const { shared, createWaiter } = createWaiters(1)
  const line = new WaitingLine(timeoutMs, () => {})
  line.enter(createWaiter('a'))
  line.enter(createWaiter('b'))
  shared.abandoned.add('a')
  line.serve()
  expect(shared.log).toEqual(['b in'])
  expect([line.length, line.bytes]).toEqual([0, 0])
})

test('each waits for its own time and not longer', () => {
  const { shared, createWaiter } = createWaiters(0)
  const line = new WaitingLine(timeoutMs, () => {})
  line.enter(createWaiter('a'))
  vi.advanceTimersByTime(600)
  line.enter(createWaiter('b'))
  vi.advanceTimersByTime(399)
  expect(shared.log).toEqual([])
  vi.advanceTimersByTime(1)
  expect(shared.log).toEqual(['a QUEUE_FULL'])
  vi.advanceTimersByTime(600)
  expect(shared.log).toEqual(['a QUEUE_FULL', 'b QUEUE_FULL'])
  expect([line.length, line.bytes, vi.getTimerCount()]).toEqual([0, 0, 0])
})

test('when a large one at the head runs out of time, those behind it that fit go in', () => {
  const { shared, createWaiter } = createWaiters(1)
  const line = new WaitingLine(timeoutMs, () => {})
  line.enter(createWaiter('large', { bytes: 5 }))
  vi.advanceTimersByTime(500)
  line.enter(createWaiter('small'))
  vi.advanceTimersByTime(500)
  expect(shared.log).toEqual(['large QUEUE_FULL', 'small in'])
})

test('an empty line keeps no timer that would hold the process', () => {
  const { createWaiter } = createWaiters(1)
  const line = new WaitingLine(timeoutMs, () => {})
  line.enter(createWaiter('a'))
  expect(vi.getTimerCount()).toBe(1)
  line.serve()
  expect(vi.getTimerCount()).toBe(0)
})

test('all are told when the client closes, in order, and nobody is left', () => {
  const { shared, createWaiter } = createWaiters(0)
  const line = new WaitingLine(timeoutMs, () => {})
  for (const name of ['a', 'b']) line.enter(createWaiter(name))
  line.expireAll({ code: 'CLOSE_TIMED_OUT', reason: 'x' })
  expect(shared.log).toEqual(['a CLOSE_TIMED_OUT', 'b CLOSE_TIMED_OUT'])
  expect([line.length, line.bytes, vi.getTimerCount()]).toEqual([0, 0, 0])
})

test('room that is made while somebody is let in serves the next one once, not twice', () => {
  const { shared, createWaiter } = createWaiters(1)
  const line = new WaitingLine(timeoutMs, () => {})
  const onAdmit = (): void => {
    shared.room++
    line.serve()
  }
  for (const name of ['a', 'b', 'c']) line.enter(createWaiter(name, { onAdmit }))
  line.serve()
  expect(shared.log).toEqual(['a in', 'b in', 'c in'])
})

test('who watches is told after the time of some was over, and those who fit behind them went in', () => {
  const { shared, createWaiter } = createWaiters(1)
  const line = new WaitingLine(timeoutMs, () => void shared.log.push(`${line.length} left`))
  line.enter(createWaiter('large', { bytes: 5 }))
  line.enter(createWaiter('given up'))
  line.enter(createWaiter('large too', { bytes: 5 }))
  shared.abandoned.add('given up')
  vi.advanceTimersByTime(500)
  line.enter(createWaiter('small'))
  vi.advanceTimersByTime(500)
  expect(shared.log).toEqual(['large QUEUE_FULL', 'large too QUEUE_FULL', 'small in', '0 left'])
})

test('a line of thousands keeps its order and its count', () => {
  const { shared, createWaiter } = createWaiters(0)
  const line = new WaitingLine(timeoutMs, () => {})
  for (let index = 0; index < 5000; index++) line.enter(createWaiter(String(index)))
  for (let served = 0; served < 5000; served += 700) {
    shared.room = 700
    line.serve()
    expect(line.length).toBe(Math.max(0, 5000 - served - 700))
    expect(line.bytes).toBe(line.length)
  }
  expect(shared.log).toEqual(Array.from({ length: 5000 }, (_, index) => `${index} in`))
})

test('a throwing waiter does not stop the line for good', () => {
  const { shared, createWaiter } = createWaiters(2)
  const line = new WaitingLine(timeoutMs, () => {})
  let broken = true
  const faulty = createWaiter('faulty')
  line.enter({
    ...faulty,
    admit: () => {
      if (broken) throw new Error('broken')
      return faulty.admit()
    },
  })
  expect(() => line.serve()).toThrow('broken')
  broken = false
  line.serve()
  expect(shared.log).toEqual(['faulty in'])
})
