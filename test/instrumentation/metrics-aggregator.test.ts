import { afterEach, expect, test } from 'vitest'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { channels } from '../../src/instrumentation/events.ts'
import { MetricsAggregator } from '../../src/instrumentation/metrics-aggregator.ts'
import type { CounterSeries, DistributionSeries } from '../../src/instrumentation/metric-series.ts'
import { metrics, type ClientLoad, type MetricName } from '../../src/instrumentation/metrics.ts'

let clients: ClientLoad[] = []
let aggregator: MetricsAggregator

function start(maxTuples?: number): void {
  clients = []
  aggregator = new MetricsAggregator({
    instance: 'mine',
    clients: () => clients,
    ...(maxTuples === undefined ? {} : { maxTuples }),
  })
}

afterEach(() => aggregator.close())

function acknowledge(durationMs: number, manifest = 'Paid'): void {
  aggregator.meterOf(manifest, 'paid').acknowledged(10, durationMs)
}

function suppress(instance = 'mine'): void {
  channels['message.suppressed'].publish({ instance, manifest: 'Paid' })
}

function counters(name: MetricName): [unknown, number][] {
  return aggregator.seriesOf(name).map((series) => [series.tags, (series as CounterSeries).total])
}

test('counts the events of its own instance', () => {
  start()
  for (let count = 0; count < 3; count++) suppress()
  suppress('other')
  expect(counters('messages.suppressed')).toEqual([[{ manifest: 'Paid' }, 3]])
})

test('counts what meters are told; those of one manifest and topic add up', () => {
  start()
  const meter = aggregator.meterOf('Paid', 'paid')
  for (let count = 0; count < 2; count++) meter.sent(10)
  aggregator.meterOf('Paid', 'paid').sent(10)
  expect(counters('messages.sent')).toEqual([[{ manifest: 'Paid', topic: 'paid' }, 3]])
  expect(counters('messages.sent_bytes')).toEqual([[{ manifest: 'Paid', topic: 'paid' }, 30]])
})

test('failures are told apart by code', () => {
  start()
  const fail = (error: MessagingError): void =>
    channels['message.failed'].publish({ instance: 'mine', manifest: 'Paid', topic: 'paid', error, dispatched: false })
  fail(new MessagingError('QUEUE_FULL', { reason: 'r' }))
  fail(new MessagingError('DELIVERY_TIMED_OUT', { reason: 'r' }))
  fail(new MessagingError('DELIVERY_TIMED_OUT', { reason: 'r' }))
  expect(counters('messages.failed')).toEqual([
    [{ manifest: 'Paid', topic: 'paid', code: 'QUEUE_FULL' }, 1],
    [{ manifest: 'Paid', topic: 'paid', code: 'DELIVERY_TIMED_OUT' }, 2],
  ])
})

test('times become a distribution; one that is unknown only counts', () => {
  start()
  for (const durationMs of [1, 2, 4, 0]) acknowledge(durationMs)
  const [series] = aggregator.seriesOf('messages.acknowledgement_time')
  const { count, sum, max } = (series as DistributionSeries).total
  expect([count, sum, max]).toEqual([3, 7, 4])
  expect(counters('messages.acknowledged')).toEqual([[{ manifest: 'Paid', topic: 'paid' }, 4]])
})

test('metrics of one event may have different tags', () => {
  start()
  for (const topic of ['a', 'b'])
    channels['producer.built'].publish({ instance: 'mine', manifest: 'Paid', topic, driver: 'memory', durationMs: 5 })
  expect(counters('producers.built')).toEqual([
    [{ manifest: 'Paid', topic: 'a' }, 1],
    [{ manifest: 'Paid', topic: 'b' }, 1],
  ])
  const times = aggregator.seriesOf('producers.build_time') as DistributionSeries[]
  expect(times.map(({ tags, total }) => [tags, total.count])).toEqual([[{ manifest: 'Paid' }, 2]])
})

test('the number of series is bounded, and nothing is lost', () => {
  start(10)
  for (let index = 0; index < 1000; index++) acknowledge(1, `M${index}`)
  const series = counters('messages.acknowledged')
  expect(series).toHaveLength(11)
  expect(series.at(-1)).toEqual([{ manifest: 'other', topic: 'other' }, 990])
})

test('gauges are read from the open clients; a driver without any is at 0, once it was seen', () => {
  start()
  const pending = (): unknown => aggregator.gauge(metrics['queue.messages'].read)
  expect(pending()).toEqual([])
  clients = [
    { driver: 'memory', pending: 2, pendingBytes: 20 },
    { driver: 'memory', pending: 3, pendingBytes: 30 },
  ]
  expect(pending()).toEqual([{ tags: { driver: 'memory' }, value: 5 }])
  expect(aggregator.gauge(metrics['queue.bytes'].read)).toEqual([{ tags: { driver: 'memory' }, value: 50 }])
  clients = []
  expect(pending()).toEqual([{ tags: { driver: 'memory' }, value: 0 }])
})

test('closed it counts no more, can still be read, and nobody listens', async () => {
  start()
  suppress()
  await aggregator.close()
  await aggregator.close()
  suppress()
  expect(counters('messages.suppressed')[0]?.[1]).toBe(1)
  expect(channels['message.suppressed'].hasSubscribers).toBe(false)
})
