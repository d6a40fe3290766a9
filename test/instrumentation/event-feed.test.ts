import { expect, test } from 'vitest'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { EventFeed } from '../../src/instrumentation/event-feed.ts'
import { CounterSeries } from '../../src/instrumentation/metric-series.ts'
import type { EventMetric } from '../../src/instrumentation/metrics.ts'

const failed = { type: 'counter', event: 'message.failed', unit: 'messages', tags: [], meaning: '' } as EventMetric

function feedOf(metrics: readonly EventMetric[], maxTuples = 100) {
  const made = new Map<string, CounterSeries[]>()
  const seriesFor = (values: readonly string[]): CounterSeries[] => {
    const series = metrics.map(() => new CounterSeries({}))
    made.set(values.join(' '), series)
    return series
  }
  const feed = new EventFeed(metrics, ['manifest', 'topic', 'code'], seriesFor, maxTuples)
  const totals = (): Record<string, number[]> =>
    Object.fromEntries(Array.from(made, ([values, series]) => [values, series.map(({ total }) => total)]))
  return { feed, totals }
}

const timedOut = new MessagingError('DELIVERY_TIMED_OUT', { reason: 'r' })
const queueFull = new MessagingError('QUEUE_FULL', { reason: 'r' })

test('each set of tag values has series of its own, made once', () => {
  const { feed, totals } = feedOf([failed])
  for (let count = 0; count < 3; count++) feed.record({ manifest: 'A', topic: 't', error: timedOut })
  feed.record({ manifest: 'A', topic: 't', error: queueFull })
  feed.record({ manifest: 'B', topic: undefined, error: queueFull })
  expect(totals()).toEqual({ 'A t DELIVERY_TIMED_OUT': [3], 'A t QUEUE_FULL': [1], 'B none QUEUE_FULL': [1] })
})

test('one event feeds all its metrics, each with its own value, or with none', () => {
  const { feed, totals } = feedOf([failed, { ...failed, value: () => 7 }, { ...failed, value: () => undefined }])
  feed.record({ manifest: 'A', topic: 't', error: timedOut })
  feed.record({ manifest: 'A', topic: 't', error: timedOut })
  expect(totals()).toEqual({ 'A t DELIVERY_TIMED_OUT': [2, 14, 0] })
})

test('over the cap new tag values are counted together, and known ones stay', () => {
  const { feed, totals } = feedOf([failed], 2)
  for (const manifest of ['A', 'B', 'C', 'D', 'A']) feed.record({ manifest, topic: 't', error: timedOut })
  expect(totals()).toEqual({
    'A t DELIVERY_TIMED_OUT': [2],
    'B t DELIVERY_TIMED_OUT': [1],
    'other other other': [2],
  })
})
