import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryDedupeStore } from '../../../src/consumer/handling/memory-dedupe-store.ts'
import { catchError } from '../../catch-error.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

const seenBy = (store: ReturnType<typeof createMemoryDedupeStore>, ...ids: string[]) => [
  ...(store.seen(ids) as Iterable<string>),
]

test('an id is known for as long as it was recorded for', () => {
  const store = createMemoryDedupeStore()
  void store.record(['a', 'b'], 1_000)
  vi.advanceTimersByTime(500)
  void store.record(['b'], 1_000)
  expect(seenBy(store, 'a', 'b', 'c')).toEqual(['a', 'b'])
  vi.advanceTimersByTime(500)
  expect(seenBy(store, 'a', 'b')).toEqual(['b'])
})

test('beyond its bound it forgets the one that was asked for longest ago', () => {
  const store = createMemoryDedupeStore({ maxIds: 2 })
  void store.record(['a', 'b'], 1_000)
  seenBy(store, 'a')
  void store.record(['c'], 1_000)
  expect(seenBy(store, 'a', 'b', 'c')).toEqual(['a', 'c'])
  void store.record(['d', 'e', 'f'], 1_000)
  expect(seenBy(store, 'a', 'c', 'd', 'e', 'f')).toEqual(['e', 'f'])
})

test.each([0, 1.5, -1, Number.NaN])('a bound of %d is refused', (maxIds) => {
  expect(catchError(() => createMemoryDedupeStore({ maxIds })).code).toBe('INPUT_INVALID')
})
