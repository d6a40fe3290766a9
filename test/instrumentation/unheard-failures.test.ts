import { afterEach, expect, test, vi } from 'vitest'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { UnheardFailures } from '../../src/instrumentation/unheard-failures.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('a failure is a warning once for each event and code, and says what to subscribe to', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const unheard = new UnheardFailures()
  const error = new MessagingError('DRIVER_FAILED', { reason: 'x' })
  unheard.warn('message.failed', 'M failed', error)
  unheard.warn('message.failed', 'M failed', error)
  unheard.warn('message.rejected', 'M gave up', error)
  unheard.warn('message.failed', 'M failed', new MessagingError('QUEUE_FULL', { reason: 'x' }))
  const calls = emitWarning.mock.calls as unknown[][]
  expect(calls.map(([text, type, code]) => [(text as string).split(':')[0], type, code])).toEqual([
    ['M failed', 'PostriderWarning', 'DRIVER_FAILED'],
    ['M gave up', 'PostriderWarning', 'DRIVER_FAILED'],
    ['M failed', 'PostriderWarning', 'QUEUE_FULL'],
  ])
  expect(calls[1]![0]).toBe(
    'M gave up: The driver failed: x. Further failures with DRIVER_FAILED are not shown; subscribe to "message.rejected" to see each.',
  )
})
