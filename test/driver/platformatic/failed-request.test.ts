import { expect, test } from 'vitest'
import { MessagingError } from '../../../src/errors/messaging-error.ts'
import { FailedRequest, toMessagingError } from '../../../src/driver/platformatic/failed-request.ts'

const failureOf = (thrown: unknown) =>
  thrown instanceof FailedRequest ? thrown.failure : { code: 'DRIVER_FAILED' as const, reason: 'else' }

test('what leaves the driver has the code, the number and the topic of the failure', () => {
  const failed = new FailedRequest({ code: 'TOPIC_NOT_FOUND', driverCode: 3, reason: 'no orders' }, 'orders')
  expect(failed.message).toBe('no orders')
  expect(toMessagingError(failed, failureOf)).toMatchObject({ code: 'TOPIC_NOT_FOUND', driverCode: 3, topic: 'orders' })
})

test('an error of ours stays what it is, and any other is classified', () => {
  const ours = new MessagingError('DRIVER_FAILED', { reason: 'ours' })
  expect(toMessagingError(ours, failureOf)).toBe(ours)
  expect(toMessagingError(new Error('x'), failureOf)).toMatchObject({ code: 'DRIVER_FAILED' })
})
