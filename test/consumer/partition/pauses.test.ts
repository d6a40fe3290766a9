import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Pauses } from '../../../src/consumer/partition/pauses.ts'
import { catchError } from '../../catch-error.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function listen() {
  const heard: string[] = []
  const pauses = new Pauses({
    paused: ({ owner, reason }) => heard.push(`paused ${owner}: ${reason}`),
    resumed: ({ owner }, durationMs) => heard.push(`resumed ${owner} after ${durationMs}`),
  })
  return { heard, pauses }
}

describe('a pause', () => {
  test('ends when its time is over, and says how long it was', () => {
    const { heard, pauses } = listen()
    pauses.add('handler', 'patience', 1_000)
    expect(pauses.list).toEqual([
      { owner: 'handler', reason: 'patience', since: Date.now(), until: Date.now() + 1_000 },
    ])
    vi.advanceTimersByTime(999)
    expect(pauses.isPaused).toBe(true)
    vi.advanceTimersByTime(1)
    expect(pauses.isPaused).toBe(false)
    expect(heard).toEqual(['paused handler: patience', 'resumed handler after 1000'])
  })

  test('without a time lasts until its owner ends it', () => {
    const { pauses } = listen()
    pauses.add('operator', 'maintenance')
    vi.advanceTimersByTime(1e9)
    expect(pauses.list).toMatchObject([{ until: undefined }])
    pauses.remove('operator')
    pauses.remove('operator')
    expect(pauses.isPaused).toBe(false)
  })

  test('of the same owner takes the place of the one before, whose end no longer counts', () => {
    const { heard, pauses } = listen()
    pauses.add('handler', 'first', 1_000)
    vi.advanceTimersByTime(900)
    pauses.add('handler', 'second', 1_000)
    vi.advanceTimersByTime(900)
    expect(pauses.list).toMatchObject([{ reason: 'second' }])
    vi.advanceTimersByTime(100)
    expect(heard).toEqual(['paused handler: first', 'resumed handler after 1900'])
  })

  test('of one owner leaves those of others', () => {
    const { pauses } = listen()
    pauses.add('handler', 'a', 10)
    pauses.add('breaker', 'b', 20)
    vi.advanceTimersByTime(10)
    expect(pauses.list.map(({ owner }) => owner)).toEqual(['breaker'])
    pauses.clear()
    expect(pauses.isPaused).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([-1, Number.NaN, '5'])('for %s ms is refused', (durationMs) => {
    const { pauses } = listen()
    expect(catchError(() => pauses.add('handler', 'x', durationMs as number)).code).toBe('INPUT_INVALID')
  })

  test('for longer than a timer can wait is cut, and not over at once', () => {
    const { pauses } = listen()
    pauses.add('handler', 'x', 1e15)
    vi.advanceTimersByTime(1e9)
    expect(pauses.isPaused).toBe(true)
  })
})
