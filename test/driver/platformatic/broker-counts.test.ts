import { expect, test } from 'vitest'
import { BrokerCounts } from '../../../src/driver/platformatic/broker-counts.ts'

test('tells what happened since it last told, and averages round trips', () => {
  const counts = new BrokerCounts()
  counts.answered(1, 2)
  counts.answered(1, 4)
  counts.retried(1)
  counts.reconnected(2)
  const queued = (broker: number): number => broker * 10
  expect(counts.take(queued)).toEqual([
    { broker: 1, roundTripMs: 3, outboundMessages: 10, retries: 1, reconnects: 0 },
    { broker: 2, roundTripMs: undefined, outboundMessages: 20, retries: 0, reconnects: 1 },
  ])
  expect(counts.take(() => 0)).toEqual([
    { broker: 1, roundTripMs: undefined, outboundMessages: 0, retries: 0, reconnects: 0 },
    { broker: 2, roundTripMs: undefined, outboundMessages: 0, retries: 0, reconnects: 0 },
  ])
})
