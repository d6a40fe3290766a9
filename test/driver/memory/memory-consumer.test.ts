import { describe, expect, test } from 'vitest'
import type { ConsumedMessage, DriverConsumer, DriverConsumerOptions } from '../../../src/driver/driver-consumer.ts'
import { createMemoryDriver, type MemoryDriver } from '../../../src/driver/memory/memory-driver.ts'
import { catchRejection } from '../../catch-error.ts'
import { createConsumerOptions, RecordingListener } from '../consumer-options.ts'
import { createDriverOptions } from '../driver-options.ts'
import { createMessage } from '../fake-driver.ts'

const partition0 = { topic: 'orders', partition: 0 }
const partition1 = { topic: 'orders', partition: 1 }

/** Stores messages, `value@partition`. */
async function store(broker: MemoryDriver, ...messages: readonly string[]): Promise<void> {
  const driver = await broker.createDriver(createDriverOptions())
  for (const message of messages) {
    const [value, partition] = message.split('@') as [string, string]
    driver.produce({ ...createMessage(value), partition: Number(partition) }, { settle: () => undefined })
  }
  await driver.close()
}

async function join(broker: MemoryDriver, options: Partial<DriverConsumerOptions> = {}) {
  const listener = new RecordingListener()
  const consumer = await broker.createConsumer(createConsumerOptions({ listener, ...options }))
  await consumer.subscribe(['orders'])
  return { consumer, listener }
}

const texts = (messages: readonly ConsumedMessage[]): string[] => messages.map(({ value }) => String(value))
const poll = async (consumer: DriverConsumer, max = 100): Promise<string[]> => texts(await consumer.poll(max, 0))

describe('polling', () => {
  test('takes at most so many, from partitions in turn, each in order', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    await store(broker, 'a@0', 'b@0', 'c@0', 'x@1', 'y@1')
    const { consumer } = await join(broker)
    expect([await poll(consumer, 2), await poll(consumer, 2), await poll(consumer, 2)]).toEqual([
      ['a', 'b'],
      ['x', 'y'],
      ['c'],
    ])
  })

  test('waits for the first message, and no longer than it may', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    const { consumer } = await join(broker)
    const waiting = consumer.poll(10, 60_000)
    await store(broker, 'a@0')
    expect(texts(await waiting)).toEqual(['a'])
    expect(await consumer.poll(10, 1)).toEqual([])
  })

  test('is refused while one is under way, and after close, which ends one that waits', async () => {
    const { consumer } = await join(createMemoryDriver())
    const waiting = consumer.poll(10, 60_000)
    expect(await catchRejection(consumer.poll(10, 0))).toMatchObject({ code: 'DRIVER_FAILED' })
    await consumer.close()
    expect(await waiting).toEqual([])
    expect(await catchRejection(consumer.poll(10, 0))).toMatchObject({ code: 'DRIVER_FAILED' })
  })

  test('lets timers run, however much there is to take', async () => {
    const broker = createMemoryDriver({ partitions: 1 })
    await store(broker, ...Array.from({ length: 1000 }, (_, index) => `${index}@0`))
    const { consumer } = await join(broker)
    let ticks = 0
    const timer = setInterval(() => ticks++, 0)
    for (let polls = 0; polls < 100_000 && ticks < 3; polls++) {
      await consumer.poll(1, 0)
      await consumer.seek({ ...partition0, offset: 0 })
    }
    expect(ticks).toBe(3)
    clearInterval(timer)
  })
})

describe('membership', () => {
  test('what is revoked is given up when the listener is done, and only then taken by the other', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    await store(broker, 'a@0', 'x@1')
    const one = await join(broker)
    expect(await poll(one.consumer)).toEqual(['a', 'x'])
    const two = await join(broker)
    const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
    one.listener.beforeRevoked = async () => {
      await drained
      await one.consumer.commit([{ ...partition1, offset: 1 }])
    }
    const rebalancing = one.consumer.poll(10, 0)
    expect(await poll(two.consumer)).toEqual([])
    expect(two.listener.told).toEqual([])
    drain()
    await rebalancing
    await store(broker, 'y@1')
    expect(await poll(two.consumer)).toEqual(['y'])
    expect(one.listener.told).toEqual(['assigned orders/0 orders/1', 'revoking orders/1', 'revoked orders/1'])
    expect(two.listener.told).toEqual(['assigned orders/1'])
  })

  test('whose session ends loses everything, may commit nothing, and joins again', async () => {
    const broker = createMemoryDriver({ partitions: 1 })
    await store(broker, 'a@0')
    const { consumer, listener } = await join(broker)
    await poll(consumer)
    broker.endSessions('group')
    expect(await catchRejection(consumer.commit([{ ...partition0, offset: 1 }]))).toMatchObject({
      code: 'GROUP_REJOIN_REQUIRED',
    })
    expect(await poll(consumer), 'nothing was committed').toEqual(['a'])
    expect(listener.told).toEqual(['assigned orders/0', 'lost orders/0', 'assigned orders/0'])
  })

  test('who does not poll in time is expelled', async () => {
    const broker = createMemoryDriver({ partitions: 1 })
    await store(broker, 'a@0')
    const slow = await join(broker, { maxPollIntervalMs: 1 })
    await poll(slow.consumer)
    const { consumer } = await join(broker)
    expect(texts(await consumer.poll(10, 60_000))).toEqual(['a'])
  })

  test('who is put out by a namesake hears of it, and its poll ends', async () => {
    const broker = createMemoryDriver({ partitions: 1 })
    const first = await join(broker, { instanceId: 'static' })
    const waiting = first.consumer.poll(10, 60_000)
    await join(broker, { instanceId: 'static' })
    expect(await waiting).toEqual([])
    expect(first.listener.failures).toMatchObject([{ code: 'GROUP_REJOIN_REQUIRED', fatal: true, retriable: false }])
    await first.consumer.close()
  })

  test('a listener that throws fails the poll, and the partitions are given up all the same', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    await store(broker, 'a@0', 'x@1')
    const one = await join(broker)
    await poll(one.consumer)
    const two = await join(broker)
    one.listener.beforeRevoked = () => {
      throw new Error('drain failed')
    }
    await expect(one.consumer.poll(10, 0)).rejects.toThrow('drain failed')
    expect(await poll(two.consumer)).toEqual(['x'])
  })
})

describe('positions', () => {
  test('a pause holds a partition back until it is resumed; a seek moves it', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    await store(broker, 'a@0', 'x@1')
    const { consumer } = await join(broker)
    expect(await poll(consumer)).toEqual(['a', 'x'])
    consumer.pause([partition0])
    await consumer.seek({ ...partition0, offset: 0 })
    await consumer.seek({ ...partition1, offset: 'earliest' })
    expect(await poll(consumer)).toEqual(['x'])
    const waiting = consumer.poll(10, 60_000)
    consumer.resume([partition0])
    expect(texts(await waiting)).toEqual(['a'])
    expect(await catchRejection(consumer.seek({ topic: 'orders', partition: 5, offset: 0 }))).toMatchObject({
      code: 'PARTITION_NOT_FOUND',
    })
  })

  test('by hand: earliest, latest, a time, an offset, and beyond the end what the group starts from', async () => {
    const broker = createMemoryDriver({ partitions: 1 })
    const driver = await broker.createDriver(createDriverOptions())
    for (const timestamp of [100, 200, 300]) {
      const message = { ...createMessage(String(timestamp)), partition: 0, timestamp }
      driver.produce(message, { settle: () => undefined })
    }
    const consumer = await broker.createConsumer(createConsumerOptions())
    const readFrom = async (offset: number | 'earliest' | 'latest' | { timestamp: number }) => {
      await consumer.assign([{ ...partition0, offset }])
      return poll(consumer)
    }
    expect(await readFrom('earliest')).toEqual(['100', '200', '300'])
    expect(await readFrom('latest')).toEqual([])
    expect(await readFrom({ timestamp: 150 })).toEqual(['200', '300'])
    expect(await readFrom({ timestamp: 301 })).toEqual([])
    expect(await readFrom(2)).toEqual(['300'])
    expect(await readFrom(99)).toEqual(['100', '200', '300'])
    expect(await consumer.watermarks(partition0)).toEqual({ low: 0, high: 3 })
  })

  test('commits are kept with their metadata, told back, and fail on purpose', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    await store(broker, 'a@0')
    const { consumer } = await join(broker)
    await poll(consumer)
    broker.failCommit({ code: 'BROKER_UNAVAILABLE', reason: 'moving' })
    expect(await catchRejection(consumer.commit([{ ...partition0, offset: 1 }]))).toMatchObject({
      code: 'BROKER_UNAVAILABLE',
    })
    await consumer.commit([{ ...partition0, offset: 1, metadata: 'note' }])
    const committed = { ...partition0, offset: 1, metadata: 'note' }
    expect(await consumer.committed([partition0, partition1])).toEqual([committed, { ...partition1, offset: -1 }])
    expect(broker.committed('group')).toEqual([committed])
    expect(broker.committed('other')).toEqual([])
  })

  test('what is not there is an error', async () => {
    const broker = createMemoryDriver({ partitions: 1 })
    await store(broker, 'a@0')
    const consumer = await broker.createConsumer(createConsumerOptions())
    expect(await catchRejection(consumer.watermarks({ topic: 'none', partition: 0 }))).toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    })
    expect(await catchRejection(consumer.partitionCount('none'))).toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    expect(await catchRejection(consumer.assign([{ ...partition1, offset: 0 }]))).toMatchObject({
      code: 'PARTITION_NOT_FOUND',
    })
  })
})

test('consumers are connected and counted like producers', async () => {
  const broker = createMemoryDriver()
  broker.failConnect({ code: 'BROKERS_UNREACHABLE', reason: 'down' })
  expect(await catchRejection(join(broker))).toMatchObject({ code: 'BROKERS_UNREACHABLE' })
  const { consumer } = await join(broker)
  expect([broker.createdClients, broker.openClients]).toEqual([1, 1])
  await consumer.close()
  expect(broker.openClients).toBe(0)
})
