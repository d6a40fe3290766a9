import { expect, test } from 'vitest'
import { MetricsAggregator } from '../../src/instrumentation/metrics-aggregator.ts'
import { takeStatsdSamples } from '../../src/instrumentation/statsd-samples.ts'

const tags = { manifest: 'Paid', topic: 'paid' }

test('counters are what came since, distributions become counters and gauges of the interval', async () => {
  const aggregator = new MetricsAggregator({ instance: 'mine', clients: () => [] })
  const meter = aggregator.meterOf('Paid', 'paid')
  for (const durationMs of [1, 1, 4.0004]) meter.acknowledged(1, durationMs)
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
  meter.acknowledged(1, 2)
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

test('with a sample rate single values come along, each once', async () => {
  const aggregator = new MetricsAggregator({ instance: 'mine', clients: () => [], sampleRate: 1 })
  const meter = aggregator.meterOf('Paid', 'paid')
  for (const durationMs of [1, 3]) meter.acknowledged(1, durationMs)
  const name = 'messages.acknowledgement_time'
  const valuesNow = (): unknown => takeStatsdSamples(aggregator).filter(({ type }) => type === 'value')
  expect(valuesNow()).toEqual([
    { type: 'value', name, value: 1, tags, rate: 1 },
    { type: 'value', name, value: 3, tags, rate: 1 },
  ])
  expect(valuesNow()).toEqual([])
  await aggregator.close()
})
