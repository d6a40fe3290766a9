import { afterEach, expect, test, vi } from 'vitest'
import { ConsumerLedger } from '../../src/consumer/consumer-ledger.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { subscribe, type EventPayloads } from '../../src/instrumentation/events.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const error = new MessagingError('HANDLER_FAILED', { manifest: 'M', reason: 'it threw Error' })
const rejected = { topic: 't', partition: 0, offset: 5, attempts: 6, action: 'dead-letter', error } as const

test('listeners are told of what a consumer has done, and then there is no warning', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const heard: EventPayloads['message.rejected'][] = []
  const stop = subscribe('message.rejected', (payload) => void heard.push(payload))
  new ConsumerLedger('instance', 'M').publish('message.rejected', () => rejected)
  stop()
  expect(heard).toEqual([{ instance: 'instance', manifest: 'M', ...rejected }])
  expect(emitWarning).not.toHaveBeenCalled()
})

test('a message that is given up, and trouble, are warnings where nobody listens', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const ledger = new ConsumerLedger('instance', 'M')
  ledger.publish('message.rejected', () => rejected)
  ledger.publish('message.rejected', () => rejected)
  ledger.publish('consumer.errored', () => ({ group: 'g', error }))
  ledger.publish('consumer.replaced', () => ({ group: 'g', error }))
  const texts = emitWarning.mock.calls.map(([text]) => String(text))
  expect(texts.map((text) => text.split(':')[0])).toEqual([
    'The consumer M gave up a message',
    'The consumer M has trouble',
    'The consumer M got a new client',
  ])
})

test('what nobody listens to and is no failure is not even made', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const details = vi.fn(() => ({ topic: 't', partition: 0, offset: 1 }))
  new ConsumerLedger('instance', 'M').publish('message.deduplicated', details)
  expect(details).not.toHaveBeenCalled()
  expect(emitWarning).not.toHaveBeenCalled()
})

test('what a rebalance refuses is no trouble', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const cause = new MessagingError('GROUP_REJOIN_REQUIRED', { reason: 'x' })
  const refused = new MessagingError('COMMIT_FAILED', { reason: 'x' }, { cause })
  const ledger = new ConsumerLedger('instance', 'M')
  for (const error of [cause, refused]) ledger.publish('consumer.errored', () => ({ group: 'g', error }))
  expect(emitWarning).not.toHaveBeenCalled()
  const other = new MessagingError('COMMIT_FAILED', { reason: 'x' }, { cause: new Error('x') })
  ledger.publish('consumer.errored', () => ({ group: 'g', error: other }))
  expect(emitWarning).toHaveBeenCalledOnce()
})
