import { expect, test } from 'vitest'
import { ConfigStore } from '../../src/config/config-store.ts'
import { catchError } from '../catch-error.ts'

const transactional = { commit: 'transaction' } as const

test('fewer partitions are handled at a time, unless a layer says how many', () => {
  const store = new ConfigStore({})
  expect(store.resolveConsumer('Bill', {}).concurrency).toBe(10)
  expect(store.resolveConsumer('Bill', transactional).concurrency).toBe(4)
  expect(store.resolveConsumer('Bill', { ...transactional, concurrency: 10 }).concurrency).toBe(10)
  expect(store.resolveConsumer('Bill', transactional, { concurrency: 2 }).concurrency).toBe(2)
  store.configure({ consumer: { concurrency: 7 } })
  expect(store.resolveConsumer('Bill', transactional).concurrency).toBe(7)
})

test.each([{ keyConcurrency: 2 }, { isolation: 'uncommitted' }, { partitions: [0] }] as const)(
  '%j contradicts it',
  (settings) => {
    const store = new ConfigStore({})
    expect(store.resolveConsumer('Bill', settings)).toMatchObject(settings)
    const error = catchError(() => store.resolveConsumer('Bill', { ...settings, ...transactional }))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(error.message).toContain(`consumers.Bill.${Object.keys(settings)[0]}`)
  },
)

test('messages that wait for a later attempt wait in retry topics', () => {
  const store = new ConfigStore({})
  const later = { ...transactional, retryLaterMs: [1000] }
  expect(catchError(() => store.resolveConsumer('Bill', later)).message).toContain('consumers.Bill.retryOrder')
  expect(store.resolveConsumer('Bill', { ...later, retryOrder: 'none' })).toMatchObject({ retryOrder: 'none' })
})
