import { describe, expect, test } from 'vitest'
import { events } from '../../src/instrumentation/events.ts'
import { metricRows, metrics } from '../../src/instrumentation/metrics.ts'

describe.each(metricRows)('%s', (name, metric) => {
  test('has a name that every backend takes, and says what it means', () => {
    expect(name).toMatch(/^[a-z]+(\.[a-z]+(_[a-z]+)*)$/)
    expect(metric.meaning).toMatch(/^[A-Z].*\.$/)
  })

  test('is fed by an event that exists, or read', () => {
    if (metric.type === 'gauge') expect(metric.read({ driver: 'd', pending: 3, pendingBytes: 7 })).toBeGreaterThan(0)
    else expect(events).toHaveProperty([metric.event])
  })

  test('has no tag that could have a value per message', () => {
    expect(['manifest', 'topic', 'code', 'driver', 'source', 'broker', 'owner', 'thread']).toEqual(
      expect.arrayContaining([...metric.tags]),
    )
    expect(metric.tags.length).toBeGreaterThan(0)
  })
})

test('an acknowledgement whose time is unknown counts, without a time', () => {
  const acknowledged = { instance: 'a', manifest: 'M', topic: 't', partition: 0, offset: 0, bytes: 1, durationMs: 0 }
  const { value } = metrics['messages.acknowledgement_time']
  expect(value?.(acknowledged)).toBeUndefined()
  expect(value?.({ ...acknowledged, durationMs: 2 })).toBe(2)
})

test('a cache hit counts, without a time', () => {
  const { value } = metrics['schemas.fetch_time']
  expect(value?.({ instance: 'a', id: 1, source: 'cache', durationMs: 1 } as never)).toBeUndefined()
  expect(value?.({ instance: 'a', id: 1, source: 'network', durationMs: 3 } as never)).toBe(3)
})
