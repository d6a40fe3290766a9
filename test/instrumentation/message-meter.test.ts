import { expect, test } from 'vitest'
import { EventFeed } from '../../src/instrumentation/event-feed.ts'
import { channels, type EventName } from '../../src/instrumentation/events.ts'
import { MessageMeter, meteredEvents } from '../../src/instrumentation/message-meter.ts'
import { CounterSeries } from '../../src/instrumentation/metric-series.ts'
import { metricRows, type EventMetric } from '../../src/instrumentation/metrics.ts'

const rowsOf = (event: EventName): EventMetric[] =>
  metricRows.flatMap(([, metric]) => (metric.type !== 'gauge' && metric.event === event ? [metric] : []))

test('adds to the rows of the table that are fed by its events, and makes no event', () => {
  const made: Record<string, CounterSeries[]> = {}
  const feedOf = (event: EventName): EventFeed => {
    const seriesFor = (values: readonly string[]): CounterSeries[] =>
      (made[`${event} ${values.join(' ')}`] = rowsOf(event).map(() => new CounterSeries({})))
    return new EventFeed(rowsOf(event), ['manifest', 'topic'], seriesFor, 10)
  }
  const meter = new MessageMeter(feedOf, 'mine', 'Paid', 'paid')
  meter.encoded(10, 2)
  meter.sent(10)
  meter.sent(5)
  meter.acknowledged(10, 3)
  meter.acknowledged(5, 0)
  const totals = Object.fromEntries(Object.entries(made).map(([key, series]) => [key, series.map((one) => one.total)]))
  expect(totals).toEqual({
    'message.encoded Paid paid': [2],
    'message.sent Paid paid': [2, 15],
    'message.acknowledged Paid paid': [2, 3],
  })
  expect(Object.values(channels).some(({ hasSubscribers }) => hasSubscribers)).toBe(false)
})

test('the rows it feeds have tags that a producer knows beforehand', () => {
  for (const event of meteredEvents)
    for (const { tags } of rowsOf(event)) expect(tags.every((tag) => tag === 'manifest' || tag === 'topic')).toBe(true)
})
