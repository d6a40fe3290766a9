import { expect, test } from 'vitest'
import { channels } from '../../src/instrumentation/events.ts'
import { MetricsAggregator } from '../../src/instrumentation/metrics-aggregator.ts'
import { takeStatsdSamples } from '../../src/instrumentation/statsd-samples.ts'

const tags = { manifest: 'Paid', topic: 'paid' }

function acknowledge(durationMs: number): void {
  const report = { instance: 'mine', ...tags, partition: 0, offset: 0, bytes: 1 }
  channels['message.acknowledged'].publish({ ...report, durationMs })
}

test('counters are what came since, distributions become counters and gauges of the interval', async () => {
  const aggregator = new MetricsAggregator({ instance: 'mine', clients: () => [] })
  for (const durationMs of [1, 1, 4.0004]) acknowledge(durationMs)
  const time = 'messages.acknowledgement_time'
  expect(takeStatsdSamples(aggregator)).toEqual([
    { type: 'count', name: 'messages.acknowledged', value: 3, tags },
    { type: 'count', name: `${time}.count`, value: 3, tags },
    { type: 'count', name: `${time}.sum`, value: 6, tags },
    { type: 'gauge', name: `${time}.p50`, value: 1, tags },
    { type: 'gauge', name: `${time}.p95`, value: 4, tags },
    { type: 'gauge', name: `${time}.p99`, value: 4, tags },
    { type: 'gauge', name: `${time}.max`, value: 4, tags },
  ])
  expect(takeStatsdSamples(aggregator)).toEqual([])
  acknowledge(2)
  expect(takeStatsdSamples(aggregator)).toContainEqual({ type: 'gauge', name: `${time}.max`, value: 2, tags })
  await aggregator.close()
})

test('gauges are told every time', async () => {
  const aggregator = new MetricsAggregator({
    instance: 'mine',
    clients: () => [{ driver: 'memory', pending: 2, pendingBytes: 9 }],
  })
  const samples = [
    { type: 'gauge', name: 'queue.messages', value: 2, tags: { driver: 'memory' } },
    { type: 'gauge', name: 'queue.bytes', value: 9, tags: { driver: 'memory' } },
  ]
  expect(takeStatsdSamples(aggregator)).toEqual(samples)
  expect(takeStatsdSamples(aggregator)).toEqual(samples)
  await aggregator.close()
})
