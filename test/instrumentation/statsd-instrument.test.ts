import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { channels } from '../../src/instrumentation/events.ts'
import { MetricsAggregator } from '../../src/instrumentation/metrics-aggregator.ts'
import { StatsdInstrument, type StatsdOptions } from '../../src/instrumentation/statsd-instrument.ts'
import { freePorts } from '../kafka/free-ports.ts'
import { waitUntil } from '../kafka/wait-until.ts'
import { startDogstatsdServer } from './dogstatsd-server.ts'
import { startStatsdDaemon, type StatsdDaemon } from './statsd-daemon.ts'

const options: StatsdOptions = {
  host: '127.0.0.1',
  port: 8125,
  socketPath: undefined,
  protocol: undefined,
  format: 'plain',
  prefix: 'app',
  tags: undefined,
  sampleRate: 0,
  flushIntervalMs: 3_600_000,
}
let warnings: string[] = []
const noteWarning = (warning: Error): void => void warnings.push(warning.message)

beforeEach(() => {
  warnings = []
  pendingBytes = 40
  process.on('warning', noteWarning)
})

afterEach(() => {
  process.off('warning', noteWarning)
  vi.doUnmock('hot-shots')
})

let aggregator: MetricsAggregator
/** The last line of each flush tells them. */
let pendingBytes = 40

function start(given: Partial<StatsdOptions>): StatsdInstrument {
  aggregator = new MetricsAggregator({
    instance: 'mine',
    clients: () => [{ driver: 'memory', pending: 4, pendingBytes }],
    sampleRate: given.sampleRate ?? 0,
  })
  return new StatsdInstrument(aggregator, { ...options, ...given })
}

function acknowledge(count: number, durationMs = 2): void {
  for (let sent = 0; sent < count; sent++) aggregator.meterOf('Paid', 'orders.paid').acknowledged(1, durationMs)
}

const acknowledged = 'app.messages.acknowledged.Paid.orders_paid'

describe('a real statsd', () => {
  let daemon: StatsdDaemon
  beforeEach(async () => {
    daemon = await startStatsdDaemon()
  })
  afterEach(() => daemon[Symbol.asyncDispose]())

  const targets: Record<string, () => Partial<StatsdOptions>> = {
    UDP: () => ({ port: daemon.udpPort }),
    TCP: () => ({ protocol: 'tcp', port: daemon.tcpPort }),
    'a Unix stream socket': () => ({ protocol: 'unix-stream', host: undefined, socketPath: daemon.socketPath }),
  }
  test.each(Object.entries(targets))('adds up what several flushes bring over %s', async (_name, target) => {
    const instrument = start(target())
    acknowledge(100)
    await instrument.flush()
    await instrument.flush()
    acknowledge(23, 8)
    await Promise.all([instrument.close(), instrument.close()])
    await waitUntil('everything arrived', async () => (await daemon.counters())[acknowledged] === 123)
    expect(await daemon.counters()).toMatchObject({
      'app.messages.acknowledgement_time.count.Paid.orders_paid': 123,
      'app.messages.acknowledgement_time.sum.Paid.orders_paid': 384,
      'statsd.bad_lines_seen': 0,
    })
    expect(await daemon.gauges()).toMatchObject({
      'app.messages.acknowledgement_time.p99.Paid.orders_paid': 8,
      'app.messages.acknowledgement_time.max.Paid.orders_paid': 8,
      'app.queue.messages.memory': 4,
      'app.queue.bytes.memory': 40,
    })
    expect(warnings).toEqual([])
  })

  test.each([1, 0.1])('gets single values at the rate %d, while counts stay exact', async (sampleRate) => {
    const instrument = start({ port: daemon.udpPort, sampleRate })
    const rounds = 5
    for (let round = 1; round <= rounds; round++) {
      acknowledge(1000)
      pendingBytes = round
      await instrument.flush()
      // All of it: what a daemon has not read yet when the next round comes may be more than its socket holds, and is dropped.
      await waitUntil('the round arrived', async () => (await daemon.gauges())['app.queue.bytes.memory'] === round)
    }
    await instrument.close()
    expect((await daemon.counters())[acknowledged]).toBe(1000 * rounds)
    const { count, values } = await daemon.timer('app.messages.acknowledgement_time.Paid.orders_paid')
    const expected = 1000 * rounds * sampleRate
    // 6 standard deviations: less than once in a thousand million runs.
    expect(Math.abs(count - expected)).toBeLessThanOrEqual(6 * Math.sqrt(expected * (1 - sampleRate)))
    expect(new Set(values)).toEqual(new Set([2]))
    expect((await daemon.counters())['statsd.bad_lines_seen']).toBe(0)
  })

  test('is told on the interval, too', async () => {
    const instrument = start({ port: daemon.udpPort, flushIntervalMs: 100 })
    acknowledge(5)
    await waitUntil('the interval brought it', async () => (await daemon.counters())[acknowledged] === 5)
    await instrument.close()
  })
})

test('DogStatsD lines carry the tags, and the global ones', async () => {
  await using server = await startDogstatsdServer()
  const instrument = start({ port: server.port, format: 'dogstatsd', tags: ['team:billing'] })
  acknowledge(7)
  await instrument.close()
  await waitUntil('all lines arrived', () => server.lines.some(({ name }) => name === 'app.queue.bytes'))
  const tags = ['manifest:Paid', 'team:billing', 'topic:orders.paid']
  expect(server.lines).toContainEqual({ name: 'app.messages.acknowledged', value: 7, type: 'c', tags })
  expect(server.lines).toContainEqual({ name: 'app.messages.acknowledgement_time.sum', value: 14, type: 'c', tags })
  expect(server.lines).toContainEqual({ name: 'app.messages.acknowledgement_time.p95', value: 2, type: 'g', tags })
  const ofDriver = ['driver:memory', 'team:billing']
  expect(server.lines).toContainEqual({ name: 'app.queue.messages', value: 4, type: 'g', tags: ofDriver })
})

test('DogStatsD gets values as distributions with their rate', async () => {
  await using server = await startDogstatsdServer()
  const instrument = start({ port: server.port, format: 'dogstatsd', sampleRate: 0.5 })
  acknowledge(200)
  await instrument.close()
  await waitUntil('all lines arrived', () => server.lines.some(({ name }) => name === 'app.queue.bytes'))
  const values = server.lines.filter(({ name }) => name === 'app.messages.acknowledgement_time')
  expect(values.length).toBeGreaterThan(0)
  expect(values[0]).toEqual({
    name: 'app.messages.acknowledgement_time',
    value: 2,
    type: 'd',
    rate: values.length / 200,
    tags: ['manifest:Paid', 'topic:orders.paid'],
  })
  expect(server.lines.filter(({ type, rate }) => type !== 'd' && rate !== undefined)).toEqual([])
})

test('many series go out in datagrams that fit a frame', async () => {
  await using server = await startDogstatsdServer()
  const instrument = start({ port: server.port, format: 'dogstatsd' })
  for (let index = 0; index < 200; index++)
    channels['message.suppressed'].publish({ instance: 'mine', manifest: `Manifest${index}` })
  await instrument.close()
  await waitUntil('all lines arrived', () => server.lines.length === 202)
  expect(new Set(server.lines.map(({ tags }) => tags.join(' '))).size).toBe(201)
  expect(server.largestDatagram).toBeLessThanOrEqual(1400)
})

describe('without anybody to tell', () => {
  test('over UDP nothing is noticed', async () => {
    const instrument = start({ port: 9 })
    acknowledge(1)
    await instrument.flush()
    await instrument.close()
    expect(warnings).toEqual([])
  })

  test('a host that refuses is one warning, and the counts wait until it is there', async () => {
    const [port] = (await freePorts(1)) as [number]
    const instrument = start({ protocol: 'tcp', port })
    acknowledge(3)
    await instrument.flush()
    await instrument.flush()
    expect(warnings).toEqual([expect.stringContaining(`statsd at 127.0.0.1:${port}: connect ECONNREFUSED`)])
    const { createServer } = await import('node:net')
    let received = ''
    const server = createServer((socket) => socket.on('data', (chunk) => (received += chunk.toString())))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    await instrument.close()
    await waitUntil('the counts arrived', () => received.includes(`${acknowledged}:3|c`))
    server.close()
    expect(warnings).toHaveLength(1)
  })

  test('a daemon that restarts is connected again by a later flush', async () => {
    const { createServer } = await import('node:net')
    let received = ''
    let hangUp: () => void = () => undefined
    const server = createServer((socket) => {
      socket.on('data', (chunk) => (received += chunk.toString()))
      hangUp = () => socket.destroy()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const instrument = start({ protocol: 'tcp', port })
    acknowledge(1)
    await instrument.flush()
    await waitUntil('the first arrived', () => received.includes(`${acknowledged}:1|c`))
    hangUp()
    await waitUntil('the next arrives', async () => {
      acknowledge(2)
      await instrument.flush()
      return received.includes(`${acknowledged}:2|c`)
    })
    await instrument.close()
    server.close()
  })

  test('a name that does not resolve holds nothing up', async () => {
    const instrument = start({ host: 'statsd.invalid' })
    acknowledge(1)
    await instrument.flush()
    await instrument.close()
    expect(warnings.length).toBeLessThanOrEqual(1)
  })

  test('a Unix socket that does not exist is one warning', async () => {
    const socketPath = '/nonexistent/statsd.sock'
    expect(existsSync(socketPath)).toBe(false)
    for (const protocol of ['unix-stream', 'unix'] as const) {
      warnings = []
      const instrument = start({ host: undefined, socketPath, protocol })
      await instrument.flush()
      await instrument.close()
      await waitUntil('the warning came', () => warnings.length > 0)
      expect(warnings).toEqual([expect.stringContaining(`statsd at ${socketPath}`)])
    }
  })

  test('a missing package is one warning with the command that installs it', async () => {
    vi.doMock('hot-shots', () => {
      throw new Error('Cannot find package')
    })
    const instrument = start({})
    await instrument.flush()
    await instrument.close()
    await waitUntil('the warning came', () => warnings.length > 0)
    expect(warnings).toEqual([expect.stringContaining('npm install hot-shots')])
  })
})
