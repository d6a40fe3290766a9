import { expect, test } from 'vitest'
import { errorCodes, type ErrorCode } from '../../src/errors/codes.ts'
import { severityOf } from '../../src/instrumentation/error-severity.ts'

test.each<[ErrorCode, string]>([
  ['DELIVERY_TIMED_OUT', 'error'],
  ['PRODUCER_FATAL', 'error'],
  ['PAYLOAD_INVALID', 'error'],
  ['BROKERS_UNREACHABLE', 'warning'],
  ['SEND_ABORTED', 'info'],
])('%s is of severity %s', (code, severity) => expect(severityOf(code)).toBe(severity))

test('whatever may have lost a message for good is an error', () => {
  const lost = Object.entries(errorCodes).filter(([code, { outcome }]) => outcome === 'rejected' && !isTransient(code))
  expect(lost.length).toBeGreaterThan(5)
  for (const [code] of lost) expect(severityOf(code as ErrorCode), code).toBe('error')
})

function isTransient(code: string): boolean {
  return errorCodes[code as ErrorCode].retriable
}
