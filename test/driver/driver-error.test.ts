import { expect, test } from 'vitest'
import { createDriverError } from '../../src/driver/driver-error.ts'

test('a failure becomes an error with its reason in the message and the defaults of its code', () => {
  const error = createDriverError({ code: 'DELIVERY_TIMED_OUT', reason: 'nobody answered' })
  expect(error.message).toBe('Not acknowledged within the delivery timeout: nobody answered.')
  expect(error).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'unknown', retriable: true })
})

test('what the driver knows better wins, and its own number is kept', () => {
  const error = createDriverError({
    code: 'CLOSE_TIMED_OUT',
    reason: 'purged',
    driverCode: -152,
    outcome: 'not_sent',
    retriable: false,
  })
  expect(error).toMatchObject({ driverCode: -152, outcome: 'not_sent', retriable: false })
})

test('the context names manifest and topic', () => {
  const failure = { code: 'QUEUE_FULL', reason: 'x' } as const
  expect(createDriverError(failure, { manifest: 'OrderPlaced', topic: 'orders' })).toMatchObject({
    manifest: 'OrderPlaced',
    topic: 'orders',
  })
})
