import { stat } from 'node:fs/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ConfluentDriver, confluentDriver } from '../../../src/driver/confluent/confluent-driver.ts'
import type { DriverFailure, DriverMessage, DriverOptions } from '../../../src/driver/driver.ts'
import { createMessaging, subscribe, type MessagingOptions } from '../../../src/index.ts'
import { startMockCluster } from '../../../src/testing.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { order, OrderPlaced } from '../../registry/manifests.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'
import { createFakeNative, type FakeNativeProducer } from './fake-native.ts'

/** What test/contract does not ask, because it is about librdkafka alone. */
describe('confluent driver', () => {
  const cluster = withMockCluster()
  let options: MessagingOptions

  beforeAll(async () => {
    options = { brokers: cluster.brokers }
  })

  test('a pass-through option that librdkafka does not know is refused in its own words', async () => {
    await using messaging = createMessaging({ ...options, driverOptions: { confluent: { 'no.such.property': 1 } } }, {})
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({
      code: 'DRIVER_OPTION_INVALID',
      outcome: 'not_sent',
      message: expect.stringContaining('no.such.property') as string,
    })
  })

  test('pass-through options win over ours', async () => {
    // One message in librdkafka's own queue instead of 100,000: each further one meets "queue full" and waits its turn.
    const driverOptions = { confluent: { 'queue.buffering.max.messages': 1 } }
    // The last one waits for as long as all before it take.
    const producer = { queueTimeoutMs: 60_000 }
    await using messaging = createMessaging({ ...options, topicPrefix: 'tiny.', driverOptions, producer }, {})
    const { registry } = messaging
    await registry.send(OrderPlaced, order)
    const reports = await Promise.all(Array.from({ length: 50 }, () => registry.send(OrderPlaced, order)))
    expect(reports.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  })

  test('with acks 0 the broker says no offset', async () => {
    await using messaging = createMessaging({ ...options, topicPrefix: 'unconfirmed.', producer: { acks: 0 } }, {})
    expect(await messaging.registry.send(OrderPlaced, order)).toMatchObject({ offset: -1 })
  })

  test('nobody at the address: BROKERS_UNREACHABLE, naming address and patience', async () => {
    await using messaging = createMessaging({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 300 }, {})
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({
      code: 'BROKERS_UNREACHABLE',
      retriable: true,
      outcome: 'not_sent',
      message: expect.stringMatching(/127\.0\.0\.1:1 within connectTimeoutMs \(300 ms\)/) as string,
    })
  })

  describe('when the brokers go away', () => {
    async function sendThenLoseBrokers(more: MessagingOptions) {
      const mortal = await startMockCluster({ brokers: 1 })
      const messaging = createMessaging({ brokers: mortal.brokers, ...more }, {})
      onTestFinished(() => messaging.close())
      // It connects; whether this one is acknowledged within a short delivery timeout is not asked.
      await Promise.allSettled([messaging.registry.send(OrderPlaced, order)])
      return { messaging, mortal }
    }

    test('a send ends with DELIVERY_TIMED_OUT and an unknown outcome, and the trouble is an event', async () => {
      const { promise: told, resolve: tell } = Promise.withResolvers<void>()
      onTestFinished(subscribe('client.errored', ({ error }) => error.code === 'BROKERS_UNREACHABLE' && tell()))
      const { messaging, mortal } = await sendThenLoseBrokers({ producer: { deliveryTimeoutMs: 500 } })
      await mortal.close()
      await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({
        code: 'DELIVERY_TIMED_OUT',
        outcome: 'unknown',
        driverCode: -192,
        topic: 'orders.placed',
        message: expect.stringContaining('_MSG_TIMED_OUT') as string,
      })
      await told
    })

    test('close gives up after closeTimeoutMs and every send has its verdict', async () => {
      const { messaging, mortal } = await sendThenLoseBrokers({ closeTimeoutMs: 300 })
      await mortal.close()
      const sent = Promise.allSettled(Array.from({ length: 100 }, () => messaging.registry.send(OrderPlaced, order)))
      await messaging.close()
      for (const result of await sent) {
        expect(result).toMatchObject({ reason: { code: 'CLOSE_TIMED_OUT', outcome: 'unknown' } })
      }
    })
  })
})

describe('questions', () => {
  // Each takes a while, so that they are under way together.
  const passThrough = { 'test.mock.num.brokers': 1, 'test.mock.broker.rtt': 200 }

  test('a topic that is to be created while another question is under way gets its answer', async () => {
    const driver = await confluentDriver.createDriver(
      createDriverOptions({ brokers: [], connectTimeoutMs: 10_000, passThrough }),
    )
    const counted = driver.partitionCount!('orders')
    // Threads begin with what they are given in its order, so the question has begun.
    await stat('.')
    const created = driver.ensureTopic!({ topic: 'new', partitions: 1, replicationFactor: 1, config: {} })
    const [, refused] = await Promise.allSettled([counted, created])
    // The mock cluster creates none.
    expect(refused).toMatchObject({ reason: { topic: 'new', outcome: 'not_sent' } })
    await driver.close()
  })
})

describe('confluent driver under load', () => {
  const message = (value: string): DriverMessage => ({
    topic: 'orders',
    value: Buffer.from(value),
    key: null,
    headers: undefined,
    partition: -1,
    timestamp: 0,
  })

  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  async function connect(options: Partial<DriverOptions> = {}, connectingAtOnce?: number) {
    const { native, producers } = createFakeNative(connectingAtOnce)
    const driver = new ConfluentDriver(native, createDriverOptions(options))
    await driver.connect()
    const settled: string[] = []
    const failures: DriverFailure[] = []
    let sent = 0
    const send = (value = String(sent++), isAwaited?: boolean): boolean =>
      driver.produce(message(value), {
        ...(isAwaited !== undefined && { isAwaited }),
        settle: (failure) => {
          settled.push(value)
          if (failure) failures.push(failure)
        },
      })
    /** What the native callbacks of one turn said is settled. */
    const acknowledge = (producer: number, count?: number): void => {
      producers[producer]!.acknowledge(count)
      vi.advanceTimersByTime(0)
    }
    /** Up to 1000 under way, for long enough that a second producer is wanted, connected and ready; 1000 are left. */
    const load = async (): Promise<void> => {
      for (let reading = 0; reading < 15; reading++) {
        acknowledge(0)
        for (let message = 0; message < 1000; message++) send()
        await vi.advanceTimersByTimeAsync(50)
      }
    }
    return { driver, producers, send, acknowledge, load, settled, failures }
  }

  test('other credentials go to the producers there are, until it is closed', async () => {
    const { driver, producers } = await connect()
    driver.setCredentials({ username: 'shop', password: { reveal: () => 'secret' } })
    await Promise.resolve()
    expect(producers[0]!.credentials).toEqual(['shop', 'secret'])
    await driver.close()
    driver.setCredentials({ username: 'other', password: { reveal: () => 'secret' } })
    await Promise.resolve()
    expect(producers[0]!.credentials).toEqual(['shop', 'secret'])
  })

  test.each<[string, number, Partial<DriverOptions>]>([
    ['idempotent', 1, {}],
    ['that needs no id', 0, { profile: { ...defaultProfile, idempotence: false } }],
    ['of transactions, which asks for it by itself,', 0, { transaction: { id: 'shop', timeoutMs: 1000 } }],
  ])('a producer %s asks about the cluster once more: %d', async (_, questions, options) => {
    const { driver, producers } = await connect(options)
    await driver.partitionCount('orders')
    expect(producers[0]!.questions).toBe(questions)
  })

  test('the partitions of a topic are counted; a topic that is not there has none', async () => {
    const { driver } = await connect()
    expect(await driver.partitionCount('orders')).toBe(2)
    await expect(driver.partitionCount('absent')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND', topic: 'absent' })
  })

  test('a success without a place is no acknowledgement', async () => {
    const { producers, send, acknowledge, failures } = await connect()
    producers[0]!.hasNoOffsets = true
    send()
    acknowledge(0)
    expect(failures).toMatchObject([{ code: 'DELIVERY_UNCONFIRMED', outcome: 'unknown' }])
  })

  test('unless nobody was asked to acknowledge it', async () => {
    const profile = { ...defaultProfile, acks: 0 as const, idempotence: false }
    const { producers, send, acknowledge, settled, failures } = await connect({ profile })
    producers[0]!.hasNoOffsets = true
    send('a')
    acknowledge(0)
    expect([settled, failures]).toEqual([['a'], []])
  })

  test('what is reported in one turn is settled together, in its order', async () => {
    const { producers, send, settled } = await connect()
    for (const value of ['a', 'b', 'c']) send(value)
    producers[0]!.acknowledge(2)
    expect(settled).toEqual([])
    vi.advanceTimersByTime(0)
    expect(settled).toEqual(['a', 'b'])
  })

  test('with the last report there can be, all are settled at once', async () => {
    const { producers, send, settled } = await connect()
    for (const value of ['a', 'b', 'c']) send(value)
    producers[0]!.acknowledge()
    expect(settled).toEqual(['a', 'b', 'c'])
    send('d')
    vi.advanceTimersByTime(0)
    expect(settled).toHaveLength(3)
    producers[0]!.acknowledge()
    expect(settled).toEqual(['a', 'b', 'c', 'd'])
  })

  test('messages wait while the greater part of a batch is on the wire, and go with the next one', async () => {
    const { send, acknowledge } = await connect()
    for (let message = 0; message < 10; message++) expect(send()).toBe(true)
    acknowledge(0, 2)
    expect(send()).toBe(false)
    acknowledge(0, 3)
    expect(send()).toBe(true)
  })

  test('a few messages never wait', async () => {
    const { send, acknowledge } = await connect()
    for (let message = 0; message < 5; message++) send()
    acknowledge(0, 1)
    expect(send()).toBe(true)
  })

  test('no message waits for long for a batch that gets no answer', async () => {
    const { send, acknowledge } = await connect()
    for (let message = 0; message < 10; message++) send()
    acknowledge(0, 2)
    expect(send()).toBe(false)
    vi.advanceTimersByTime(100)
    expect(send()).toBe(true)
  })

  test('many under way: a second producer that fills batches takes over once everything is settled', async () => {
    const { producers, send, acknowledge, load, settled } = await connect()
    await load()
    expect(producers.map(({ config }) => config['linger.ms'])).toEqual([0, 20])
    expect(producers.map(({ config }) => config['batch.num.messages'])).toEqual([10_000, 400])
    expect(send('early')).toBe(false)
    acknowledge(0, 999)
    expect(send('early')).toBe(false)
    acknowledge(0)
    expect(settled).toHaveLength(15_000)
    expect(send('late')).toBe(true)
    expect(producers[0]!.underWay).toEqual([])
    expect(producers[1]!.underWay.map(({ value }) => value)).toEqual(['late'])
  })

  test('what nobody waits for is settled at once then, and what is awaited still together', async () => {
    const { producers, send, acknowledge, load, settled } = await connect()
    await load()
    acknowledge(0)
    settled.length = 0
    for (const [value, isAwaited] of [
      ['a', true],
      ['b', false],
      ['c', true],
      ['still under way', true],
    ] as const)
      send(value, isAwaited)
    producers[1]!.acknowledge(3)
    expect(settled).toEqual(['b'])
    vi.advanceTimersByTime(0)
    expect(settled).toEqual(['b', 'a', 'c'])
  })

  test('and gives back when few are', async () => {
    const { producers, send, acknowledge, load } = await connect()
    await load()
    acknowledge(0)
    send('lingers')
    acknowledge(1)
    await vi.advanceTimersByTimeAsync(100)
    send('does not')
    expect(producers[0]!.underWay.map(({ value }) => value)).toEqual(['does not'])
    expect(producers).toHaveLength(2)
  })

  test('what is under way without an end keeps the producer in use', async () => {
    const { producers, send, load } = await connect()
    await load()
    expect(send('late')).toBe(false)
    vi.advanceTimersByTime(1000)
    expect(send('late')).toBe(true)
    expect(producers[0]!.underWay).toHaveLength(1001)
  })

  test('close waits for a question that is under way, and refuses the next one', async () => {
    const { driver, producers } = await connect()
    const [producer] = producers as [FakeNativeProducer]
    const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>()
    producer.getMetadata = (_, callback) =>
      ask(() => callback(null, { brokers: [], topics: [{ name: 'orders', partitions: [{ id: 0 }] }] }))
    const [first, second] = [driver.partitionCount('orders'), driver.partitionCount('orders')]
    const answer = await asked
    const closed = driver.close()
    await vi.advanceTimersByTimeAsync(0)
    expect(producer.isClosed).toBe(false)
    answer()
    expect(await first).toBe(1)
    await expect(second).rejects.toMatchObject({ code: 'CLOSE_TIMED_OUT' })
    await closed
    expect(producer.isClosed).toBe(true)
  })

  test('close disconnects both', async () => {
    const { driver, producers, acknowledge, load } = await connect()
    await load()
    acknowledge(0)
    await driver.close()
    expect(producers.map(({ isClosed }) => isClosed)).toEqual([true, true])
  })

  test('close does not wait for one that cannot connect, and disconnects it when it has', async () => {
    const { driver, producers, acknowledge, load } = await connect({}, 1)
    await load()
    acknowledge(0)
    await driver.close()
    expect(producers.map(({ isClosed }) => isClosed)).toEqual([true, false])
    producers[1]!.finishConnecting()
    await vi.advanceTimersByTimeAsync(0)
    expect(producers[1]!.isClosed).toBe(true)
  })

  test.each<[string, Partial<DriverOptions>]>([
    ['lingerMs', { profile: { ...defaultProfile, lingerMs: 5 } }],
    ['a pass-through linger.ms', { passThrough: { 'linger.ms': 0 } }],
    ['a pass-through batch.num.messages', { passThrough: { 'batch.num.messages': 100 } }],
  ])('%s is what was asked for, whatever the load', async (_, options) => {
    const { producers, send, load } = await connect(options)
    await load()
    expect(send()).toBe(true)
    expect(producers).toHaveLength(1)
  })
})
