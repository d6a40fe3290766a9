import { expect, test } from 'vitest'
import { createFailure } from '../../../src/consumer/handling/failure.ts'
import { IncomingMessage } from '../../../src/consumer/handling/incoming-message.ts'
import { readRetryHeaders, retryHeaders } from '../../../src/consumer/handling/retry-headers.ts'
import type { ConsumedMessage } from '../../../src/driver/driver-consumer.ts'
import type { DriverHeader } from '../../../src/driver/driver.ts'

const retryTopic = { name: 't.g.retry-2', source: 't', number: 2, delayMs: 1_000, next: undefined }
const raw = (headers?: readonly DriverHeader[]): ConsumedMessage => ({
  topic: 't',
  partition: 3,
  offset: 7,
  timestamp: 500,
  key: null,
  value: null,
  headers,
})
const failure = createFailure(new TypeError('a secret'), 'M', 't')
const reads = (topic: string): boolean => topic === 't'

test('they say where a message came from in the first place, and are replaced each time', () => {
  const own: DriverHeader = ['own', Buffer.from('1')]
  const first = retryHeaders(new IncomingMessage(raw([own])), retryTopic, failure)
  const stored = { ...raw(first), topic: 't.g.retry-1', partition: 0, offset: 0, timestamp: 9_000 }
  const earlier = readRetryHeaders(stored, { ...retryTopic, number: 1 }, reads)
  expect(earlier).toEqual({ origin: { topic: 't', partition: 3, offset: 7, timestamp: 500 }, attempts: 1, later: 1 })
  const second = retryHeaders(new IncomingMessage(stored, earlier), retryTopic, failure)
  expect(second.map(([name]) => name)).toEqual(first.map(([name]) => name))
  expect(second[0]).toEqual(own)
  expect(readRetryHeaders(raw(second), retryTopic, reads)).toMatchObject({
    origin: { offset: 7 },
    attempts: 2,
    later: 2,
  })
  expect(JSON.stringify(second.map(([, value]) => value.toString()))).not.toContain('secret')
})

test.each([
  ['topic', 'other'],
  ['partition', '-1'],
  ['offset', 'x'],
  ['timestamp', ''],
  ['attempts', '0'],
])('where they say %s: "%s" the message is taken as it is', (name, value) => {
  const headers = retryHeaders(new IncomingMessage(raw()), retryTopic, failure)
  const changed = raw([...headers, [`postrider-retry-${name}`, Buffer.from(value)]])
  expect(readRetryHeaders(changed, retryTopic, reads)).toEqual({ origin: changed, attempts: 2, later: 2 })
})
