import { expect, test } from 'vitest'
import { toDriverError } from '../../../src/driver/confluent/to-driver-error.ts'

test('what the wrapper throws has a number, or only a text', () => {
  expect(toDriverError({ code: 25, message: 'Broker: Unknown member' })).toMatchObject({
    code: 'GROUP_REJOIN_REQUIRED',
    driverCode: 25,
  })
  expect(toDriverError(new Error('disconnected') as never)).toMatchObject({ code: 'DRIVER_FAILED' })
})

test('who asked knows more about it', () => {
  const error = toDriverError({ code: 17, message: 'Broker: Invalid topic' }, { topic: 'a b', outcome: 'not_sent' })
  expect(error).toMatchObject({ code: 'TOPIC_INVALID', topic: 'a b', outcome: 'not_sent' })
})
