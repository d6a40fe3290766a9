import { afterEach, expect, test, vi } from 'vitest'
import { createWarning, reasonOf } from '../../src/instrumentation/warn-once.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('warns the first time only', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const warn = createWarning((thrown) => `The logger failed: ${reasonOf(thrown)}`)
  warn(new Error('disk full'))
  warn(new Error('disk full'))
  expect(emitWarning.mock.calls).toEqual([['The logger failed: disk full', 'PostriderWarning']])
})

test('of what is no error only the type is told', () => {
  expect(reasonOf({ payload: 'secret' })).toBe('object')
  expect(reasonOf(null)).toBe('object')
})
