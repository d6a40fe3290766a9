import { beforeEach, expect, test, vi } from 'vitest'
import { withinTime } from '../../src/timing/within-time.ts'

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

test('what is done in time is waited for, and no timer is left', async () => {
  const work = Promise.withResolvers<void>()
  const waited = withinTime(work.promise, 1000)
  await vi.advanceTimersByTimeAsync(999)
  work.resolve()
  expect(await waited).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})

test('what takes longer is left to itself, also when it fails after all', async () => {
  const work = Promise.withResolvers<void>()
  const waited = withinTime(work.promise, 1000)
  await vi.advanceTimersByTimeAsync(1000)
  expect(await waited).toBe(false)
  // Would fail the run as a rejection that nobody handles.
  work.reject(new Error('too late to matter'))
  await vi.advanceTimersByTimeAsync(0)
})

test('what fails in time is thrown, and no timer is left', async () => {
  await expect(withinTime(Promise.reject(new Error('broken')), 1000)).rejects.toThrow('broken')
  expect(vi.getTimerCount()).toBe(0)
})
