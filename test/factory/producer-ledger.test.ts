import { afterEach, expect, onTestFinished, test, vi, type MockInstance } from 'vitest'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { ProducerLedger } from '../../src/factory/producer-ledger.ts'
import { subscribe, type EventPayloads } from '../../src/instrumentation/events.ts'
import { MetricsAggregator } from '../../src/instrumentation/metrics-aggregator.ts'

const failure = (): MessagingError => new MessagingError('DRIVER_FAILED', { reason: 'x' })

afterEach(() => {
  vi.restoreAllMocks()
})

test('counts what became of the messages, and keeps the last error', () => {
  const ledger = new ProducerLedger('M', 'orders', 'instance')
  const last = failure()
  ledger.recordAcknowledged(0, 1, 5, 0)
  ledger.recordFailed(failure(), false)
  ledger.recordFailed(last, false)
  expect(ledger).toMatchObject({ acknowledged: 1, failed: 2, lastError: last })
})

test('tells listeners of acknowledgements, with the time since the hand-over where it is known', () => {
  const heard: EventPayloads['message.acknowledged'][] = []
  const stop = subscribe('message.acknowledged', (payload) => void heard.push(payload))
  const ledger = new ProducerLedger('M', 'orders', 'instance')
  ledger.recordAcknowledged(2, 9, 5, 0)
  ledger.recordAcknowledged(2, 10, 5, performance.now() - 50)
  stop()
  expect(heard[0]).toEqual({
    instance: 'instance',
    manifest: 'M',
    topic: 'orders',
    partition: 2,
    offset: 9,
    bytes: 5,
    durationMs: 0,
  })
  expect(heard[1]!.durationMs).toBeGreaterThanOrEqual(50)
})

test('tells listeners of failures, and then needs no warning', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const heard: EventPayloads['message.failed'][] = []
  const stop = subscribe('message.failed', (payload) => void heard.push(payload))
  const error = failure()
  new ProducerLedger('M', 'orders', 'instance').recordFailed(error, true)
  new ProducerLedger('M', 'orders', 'instance').recordFailed(error, false, 7)
  stop()
  const described = { instance: 'instance', manifest: 'M', topic: 'orders', error }
  expect(heard).toEqual([
    { ...described, partition: -1, dispatched: true },
    { ...described, partition: 7, dispatched: false },
  ])
  expect(emitWarning).not.toHaveBeenCalled()
})

test('a dispatched message that fails while nobody listens becomes a warning, once for each code', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const ledger = new ProducerLedger('M', 'orders', 'instance')
  ledger.recordFailed(failure(), true)
  ledger.recordFailed(failure(), true)
  ledger.recordFailed(new MessagingError('QUEUE_FULL', { reason: 'x' }), true)
  const calls = emitWarning.mock.calls as unknown[][]
  expect(calls.map(([, type, code]) => [type, code])).toEqual([
    ['PostriderWarning', 'DRIVER_FAILED'],
    ['PostriderWarning', 'QUEUE_FULL'],
  ])
  expect(calls[0]![0]).toContain('A dispatched M failed: The driver failed: x.')
})

test('a failure that its caller hears of is no warning', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  new ProducerLedger('M', 'orders', 'instance').recordFailed(failure(), false)
  expect(emitWarning).not.toHaveBeenCalled()
})

function meteredLedger(): {
  ledger: ProducerLedger
  encoded: MockInstance
  sent: MockInstance
  acknowledged: MockInstance
} {
  const aggregator = new MetricsAggregator({ instance: 'instance', clients: () => [] })
  onTestFinished(() => aggregator.close())
  const meter = aggregator.meterOf('M', 'orders')
  return {
    ledger: new ProducerLedger('M', 'orders', 'instance', meter),
    encoded: vi.spyOn(meter, 'encoded'),
    sent: vi.spyOn(meter, 'sent'),
    acknowledged: vi.spyOn(meter, 'acknowledged'),
  }
}

test('tells its meter of each message', () => {
  const { ledger, encoded, sent, acknowledged } = meteredLedger()
  ledger.recordEncoded(7, 0.5)
  ledger.recordSent(7)
  ledger.recordAcknowledged(0, 1, 7, 0)
  expect(ledger.measuresEncoding).toBe(true)
  expect(encoded.mock.calls).toEqual([[7, 0.5]])
  expect(sent.mock.calls).toEqual([[7]])
  expect(acknowledged.mock.calls).toEqual([[7, 0]])
})

test('for metrics the first messages under way are timed, then every 8th; for listeners all', () => {
  const { ledger } = meteredLedger()
  const timedOf = (count: number): number => {
    let timed = 0
    for (let index = 0; index < count; index++) {
      ledger.started++
      if (ledger.measuresTime) timed++
    }
    return timed
  }
  expect(timedOf(16)).toBe(16)
  expect(timedOf(800)).toBe(100)
  const stop = subscribe('message.acknowledged', () => undefined)
  expect(timedOf(10)).toBe(10)
  stop()
})

test('nothing is timed for nobody', () => {
  const { measuresTime, measuresEncoding } = new ProducerLedger('M', 'orders', 'instance')
  expect({ measuresTime, measuresEncoding }).toEqual({ measuresTime: false, measuresEncoding: false })
})
