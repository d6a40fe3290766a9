import { describe, expect, test } from 'vitest'
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type MessagingOptions,
} from '../../src/index.ts'
import type { DriverOptions } from '../../src/driver/driver.ts'
import { channels } from '../../src/instrumentation/events.ts'
import { createMemoryDriver, startMockCluster } from '../../src/testing.ts'
import { waitUntil } from '../kafka/wait-until.ts'
import { startDogstatsdServer } from './dogstatsd-server.ts'
import { startStatsdDaemon } from './statsd-daemon.ts'

class OrderPlaced extends ProducerManifest<{ id: number }> {
  topic = 'orders.placed'
}

const sends = 10_000
const failures = 37

/** 10,000 sends of which 37 fail: every 270th. */
async function sendMany(metrics: NonNullable<MessagingOptions['metrics']>) {
  const driver = createMemoryDriver()
  const messaging = createMessaging({ driver, metrics }, {})
  let asked = 0
  let failed = 0
  driver.failWhen(() => {
    if (asked++ % 270 !== 0 || failed === failures) return undefined
    failed++
    return { code: 'NOT_ENOUGH_REPLICAS', reason: 'forced' }
  })
  const results = await Promise.allSettled(
    Array.from({ length: sends }, (_, id) => messaging.registry.send(OrderPlaced, { id })),
  )
  const acknowledged = results.filter(({ status }) => status === 'fulfilled').length
  return { messaging, acknowledged }
}

describe('10,000 sends of which 37 failed add up exactly', () => {
  const statsd = { host: '127.0.0.1', flushIntervalMs: 100 }

  test('in a real statsd', async () => {
    await using daemon = await startStatsdDaemon()
    const { messaging, acknowledged } = await sendMany({ statsd: { ...statsd, port: daemon.udpPort, format: 'plain' } })
    expect(acknowledged).toBe(sends - failures)
    await messaging.close()
    const last = 'postrider.clients.closed.memory'
    await waitUntil('the last flush arrived', async () => last in (await daemon.counters()))
    const total = (name: string): string => `postrider.messages.${name}.OrderPlaced.orders_placed`
    expect(await daemon.counters()).toMatchObject({
      [total('sent')]: sends,
      [total('acknowledged')]: sends - failures,
      [`${total('failed')}.NOT_ENOUGH_REPLICAS`]: failures,
      'statsd.bad_lines_seen': 0,
    })
  })

  test('with tags, as DogStatsD', async () => {
    await using server = await startDogstatsdServer()
    const { messaging } = await sendMany({ statsd: { ...statsd, port: server.port } })
    await messaging.close()
    await waitUntil('the last flush arrived', () =>
      server.lines.some(({ name }) => name === 'postrider.clients.closed'),
    )
    const total = (name: string, tags: string): number =>
      server.lines
        .filter((line) => line.name === `postrider.messages.${name}` && line.tags.join(' ') === tags)
        .reduce((sum, { value }) => sum + value, 0)
    const tags = 'manifest:OrderPlaced topic:orders.placed'
    expect(total('sent', tags)).toBe(sends)
    expect(total('acknowledged', tags)).toBe(sends - failures)
    expect(total('failed', `code:NOT_ENOUGH_REPLICAS ${tags}`)).toBe(failures)
    expect(server.lines.filter(({ type }) => type === 'unreadable')).toEqual([])
  })
})

describe('the delay of the event loop', () => {
  const eventLoopIntervalMs = 30

  test('reaches a real statsd and Prometheus while metrics are on', async () => {
    await using daemon = await startStatsdDaemon()
    const statsd = { host: '127.0.0.1', port: daemon.udpPort, format: 'plain', flushIntervalMs: 100 } as const
    await using messaging = createMessaging(
      { driver: createMemoryDriver(), metrics: { statsd, eventLoopIntervalMs } },
      {},
    )
    await messaging.registry.send(OrderPlaced, { id: 1 })
    for (const name of ['event_loop_delay', 'event_loop_delay_max']) {
      const count = `postrider.process.${name}.count.main`
      await waitUntil('it arrived', async () => ((await daemon.counters())[count] ?? 0) > 0)
      expect(messaging.metrics.prometheus()).toMatch(
        new RegExp(`postrider_process_${name}_milliseconds_count\\{thread="main"\\} [1-9]`),
      )
    }
    expect((await daemon.counters())['statsd.bad_lines_seen']).toBe(0)
  })

  test('is measured while consumers run without metrics, and not while only messages are sent', async () => {
    const measured: string[] = []
    const stop = subscribe('event_loop.measured', ({ instance }) => measured.push(instance))
    class Orders extends ConsumerManifest {
      override readonly topic = 'orders.placed'
      override readonly group = 'g'
      override handle(): void {
        // Nothing is wanted of them.
      }
    }
    const metrics = { eventLoopIntervalMs }
    await using sending = createMessaging({ driver: createMemoryDriver(), metrics }, {})
    await sending.registry.send(OrderPlaced, { id: 1 })
    await using consuming = createMessaging({ driver: createMemoryDriver(), metrics }, {})
    const running = await consuming.consumers.run([Orders])
    await waitUntil('it is measured', () => measured.length >= 3)
    expect(new Set(measured).size).toBe(1)
    await running.stop()
    const count = measured.length
    const again = await consuming.consumers.run([Orders])
    await waitUntil('it is measured again', () => measured.length > count)
    await again.stop()
    stop()
  })
})

test('Prometheus text says the same, and still does when all is closed', async () => {
  const { messaging } = await sendMany({ enabled: true })
  await messaging.close()
  const text = messaging.metrics.prometheus()
  const labels = 'manifest="OrderPlaced",topic="orders.placed"'
  expect(text).toContain(`postrider_messages_sent_total{${labels}} ${sends}\n`)
  expect(text).toContain(`postrider_messages_acknowledged_total{${labels}} ${sends - failures}\n`)
  expect(text).toContain(`postrider_messages_failed_total{${labels},code="NOT_ENOUGH_REPLICAS"} ${failures}\n`)
})

test('off by default: nothing listens, and the text says so', async () => {
  const messaging = createMessaging({ driver: createMemoryDriver() }, {})
  await messaging.registry.send(OrderPlaced, { id: 1 })
  expect(Object.values(channels).filter((channel) => channel.hasSubscribers)).toEqual([])
  expect(messaging.metrics.prometheus()).toMatch(/^# .*metrics\.enabled.*\n$/)
  await messaging.close()
})

test('the queue is seen while messages are in it', async () => {
  const driver = createMemoryDriver()
  const messaging = createMessaging({ driver, metrics: { enabled: true } }, {})
  await messaging.registry.send(OrderPlaced, { id: 0 })
  const release = driver.hold()
  const sent = [1, 2, 3].map((id) => messaging.registry.send(OrderPlaced, { id }))
  expect(messaging.metrics.prometheus()).toContain('postrider_queue_messages{driver="memory"} 3\n')
  release()
  await Promise.all(sent)
  expect(messaging.metrics.prometheus()).toContain('postrider_queue_messages{driver="memory"} 0\n')
  await messaging.close()
})

test('two instances in a process are counted apart', async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(async (count) => {
      const messaging = createMessaging({ driver: createMemoryDriver(), metrics: { enabled: true } }, {})
      for (let id = 0; id < count; id++) await messaging.registry.send(OrderPlaced, { id })
      await messaging.close()
      return messaging.metrics.prometheus()
    }),
  )
  expect(one).toMatch(/acknowledged_total\{.*\} 1\n/)
  expect(two).toMatch(/acknowledged_total\{.*\} 2\n/)
})

test('a statsd that is not there costs the senders nothing', async () => {
  const statsd = { host: '127.0.0.1', port: 9, protocol: 'tcp', flushIntervalMs: 100 } as const
  const { messaging, acknowledged } = await sendMany({ statsd })
  expect(acknowledged).toBe(sends - failures)
  const startedAt = performance.now()
  await messaging.close()
  expect(performance.now() - startedAt).toBeLessThan(4000)
})

test('the native driver tells what it sees of brokers, if it is asked to', async () => {
  await using cluster = await startMockCluster({ brokers: 1 })
  const metrics = { enabled: true, driverStatisticsMs: 100 }
  await using messaging = createMessaging({ brokers: cluster.brokers, metrics }, {})
  await waitUntil('a round trip was measured', async () => {
    await messaging.registry.send(OrderPlaced, { id: 1 })
    return /brokers_round_trip_time_milliseconds_count\{driver="confluent",broker="1"\} [1-9]/.test(
      messaging.metrics.prometheus(),
    )
  })
  expect(messaging.metrics.prometheus()).toContain('brokers_retries_total{driver="confluent",broker="1"} 0\n')
})

test('nobody asks the driver while metrics are off', async () => {
  const asked: unknown[] = []
  const driver = createMemoryDriver()
  const spy = {
    ...driver,
    createDriver: (options: DriverOptions) => {
      asked.push(options.statistics?.intervalMs)
      return driver.createDriver(options)
    },
  }
  for (const metrics of [{ driverStatisticsMs: 100 }, { enabled: true }, { enabled: true, driverStatisticsMs: 100 }]) {
    await using messaging = createMessaging({ driver: spy, metrics }, {})
    await messaging.registry.send(OrderPlaced, { id: 1 })
  }
  expect(asked).toEqual([undefined, undefined, 100])
})
