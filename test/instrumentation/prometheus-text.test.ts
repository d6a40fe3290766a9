import { expect, test } from 'vitest'
import { channels } from '../../src/instrumentation/events.ts'
import { MetricsAggregator } from '../../src/instrumentation/metrics-aggregator.ts'
import { metricRows } from '../../src/instrumentation/metrics.ts'
import { prometheusName, renderPrometheus } from '../../src/instrumentation/prometheus-text.ts'

async function textAfter(publish: (aggregator: MetricsAggregator) => void): Promise<string[]> {
  const aggregator = new MetricsAggregator({
    instance: 'mine',
    clients: () => [{ driver: 'memory', pending: 2, pendingBytes: 9 }],
  })
  publish(aggregator)
  await aggregator.close()
  return renderPrometheus(aggregator).split('\n')
}

test('counters, gauges and histograms in the exposition format', async () => {
  const lines = await textAfter((aggregator) => {
    for (const durationMs of [1, 3, 100_000]) aggregator.meterOf('Paid', 'paid').acknowledged(1, durationMs)
  })
  expect(lines.at(-1)).toBe('')
  expect(lines).toContain('# TYPE postrider_messages_acknowledged_total counter')
  expect(lines).toContain('postrider_messages_acknowledged_total{manifest="Paid",topic="paid"} 3')
  expect(lines).toContain('# TYPE postrider_queue_messages gauge')
  expect(lines).toContain('postrider_queue_messages{driver="memory"} 2')
  const time = 'postrider_messages_acknowledgement_time_milliseconds'
  const labels = 'manifest="Paid",topic="paid"'
  expect(lines).toContain(`# TYPE ${time} histogram`)
  expect(lines).toContain(`${time}_bucket{${labels},le="0.5"} 0`)
  expect(lines).toContain(`${time}_bucket{${labels},le="1"} 1`)
  expect(lines).toContain(`${time}_bucket{${labels},le="4"} 2`)
  expect(lines).toContain(`${time}_bucket{${labels},le="65536"} 2`)
  expect(lines).toContain(`${time}_bucket{${labels},le="+Inf"} 3`)
  expect(lines).toContain(`${time}_sum{${labels}} 100004`)
  expect(lines).toContain(`${time}_count{${labels}} 3`)
})

test('every line is a comment or a sample, also with names that need escaping', async () => {
  const lines = await textAfter(() => {
    channels['message.suppressed'].publish({ instance: 'mine', manifest: 'a"b\\c\nd' })
  })
  expect(lines).toContain(String.raw`postrider_messages_suppressed_total{manifest="a\"b\\c\nd"} 1`)
  const sample = /^[a-z_]+\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\} [\d.+e]+$/
  for (const line of lines.slice(0, -1)) expect(line).toMatch(line.startsWith('#') ? /^# (HELP|TYPE) [a-z_]+ / : sample)
})

test('no two metrics share a name', () => {
  const names = metricRows.map(([name, metric]) => prometheusName(name, metric))
  expect(new Set(names).size).toBe(names.length)
})
