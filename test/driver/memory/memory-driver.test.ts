import { describe, expect, test } from 'vitest'
import type { Driver, DriverFailure, DriverMessage } from '../../../src/driver/driver.ts'
import { createMemoryDriver, type MemoryDriver } from '../../../src/driver/memory/memory-driver.ts'
import { partitionByCrc32, partitionByMurmur2 } from '../../../src/driver/partitioners.ts'
import { catchRejection } from '../../catch-error.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'
import { createMessage } from '../fake-driver.ts'

interface Report {
  readonly failure: DriverFailure | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
}

const connect = (broker: MemoryDriver): Promise<Driver> => broker.createDriver(createDriverOptions())

function send(driver: Driver, message: DriverMessage): Promise<Report> {
  return new Promise((resolve) => {
    const settle = (failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void =>
      resolve({ failure, partition, offset, timestamp })
    expect(driver.produce(message, { settle })).toBe(true)
  })
}

describe('storing', () => {
  test('a message gets partition, offset and timestamp, and can be looked at as it was', async () => {
    const broker = createMemoryDriver()
    const driver = await connect(broker)
    const headers = [['trace', Buffer.from('1')]] as const
    const before = Date.now()
    const report = await send(driver, { ...createMessage('hello', 'key'), headers, partition: 2 })
    expect(report).toMatchObject({ failure: null, partition: 2, offset: 0 })
    expect(report.timestamp).toBeGreaterThanOrEqual(before)
    expect(broker.records('orders')).toEqual([
      { ...createMessage('hello', 'key'), headers, partition: 2, offset: 0, timestamp: report.timestamp },
    ])
  })

  test('a given timestamp is kept; missing headers are an empty list; a tombstone has no value', async () => {
    const broker = createMemoryDriver()
    const driver = await connect(broker)
    await send(driver, { ...createMessage('', 'key'), value: null, timestamp: 1234 })
    expect(broker.records()).toMatchObject([{ value: null, timestamp: 1234, headers: [] }])
  })

  test('offsets count by partition, records come by partition and offset, of one topic or of all', async () => {
    const broker = createMemoryDriver({ partitions: 2 })
    const driver = await connect(broker)
    const to = (value: string, partition: number, topic = 'orders') =>
      send(driver, { ...createMessage(value), partition, topic })
    await Promise.all([to('a', 1), to('b', 0), to('c', 1), to('d', 0, 'other')])
    expect(broker.records('orders').map(({ value, partition, offset }) => [String(value), partition, offset])).toEqual([
      ['b', 0, 0],
      ['a', 1, 0],
      ['c', 1, 1],
    ])
    expect(broker.records()).toHaveLength(4)
    expect(broker.records('unknown')).toEqual([])
  })

  test('all clients of one broker see one store', async () => {
    const broker = createMemoryDriver()
    const [one, other] = [await connect(broker), await connect(broker)]
    await send(one, { ...createMessage('a'), partition: 0 })
    expect(await send(other, { ...createMessage('b'), partition: 0 })).toMatchObject({ offset: 1 })
  })
})

describe('choosing a partition', () => {
  const partitionsOf = async (partitioner: 'murmur2' | 'crc32' | 'random', keys: readonly (string | null)[]) => {
    const broker = createMemoryDriver({ partitions: 12 })
    const driver = await broker.createDriver(createDriverOptions({ profile: { ...defaultProfile, partitioner } }))
    const reports = keys.map((key) => send(driver, createMessage('x', key)))
    return (await Promise.all(reports)).map(({ partition }) => partition)
  }
  const keys = ['order-1', 'order-2', 'ä', '']

  test('by murmur2 as the Java client, the empty key included', async () => {
    const expected = keys.map((key) => partitionByMurmur2(Buffer.from(key), 12))
    expect(await partitionsOf('murmur2', keys)).toEqual(expected)
  })

  test('by crc32 as librdkafka, for which the empty key is none', async () => {
    const named = keys.filter((key) => key !== '')
    expect(await partitionsOf('crc32', named)).toEqual(named.map((key) => partitionByCrc32(Buffer.from(key), 12)))
    expect(await partitionsOf('crc32', ['', '', ''])).toEqual([0, 1, 2])
  })

  test('in turn without a key, and for any key where the partitioner is random', async () => {
    expect(await partitionsOf('murmur2', [null, null, null])).toEqual([0, 1, 2])
    expect(await partitionsOf('random', ['a', 'a', 'a'])).toEqual([0, 1, 2])
  })
})

describe('acknowledging', () => {
  test('is never inside produce(), and keeps the order of the calls', async () => {
    const driver = await connect(createMemoryDriver())
    const order: string[] = []
    const reports = ['a', 'b', 'c'].map((value) => send(driver, createMessage(value)).then(() => order.push(value)))
    expect(order).toEqual([])
    await Promise.all(reports)
    expect(order).toEqual(['a', 'b', 'c'])
  })

  test('waits while it is held, and comes in order once every hold is released', async () => {
    const broker = createMemoryDriver()
    const driver = await connect(broker)
    const order: string[] = []
    const first = send(driver, createMessage('before')).then(() => order.push('before'))
    const releases = [broker.hold(), broker.hold()]
    const second = send(driver, createMessage('held')).then(() => order.push('held'))
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    await turn()
    releases[0]!()
    releases[0]!()
    await turn()
    expect(order, 'releasing one hold twice does not release the other').toEqual([])
    expect(broker.records(), 'stored they are').toHaveLength(2)
    releases[1]!()
    await Promise.all([first, second])
    expect(order).toEqual(['before', 'held'])
  })
})

describe('failing on purpose', () => {
  test('messages that a rule picks fail and are not stored, until the rule is taken back', async () => {
    const broker = createMemoryDriver()
    const driver = await connect(broker)
    const failure = { code: 'BROKER_REJECTED', reason: 'not today' } as const
    const stop = broker.failWhen(({ value }) => (String(value) === 'bad' ? failure : undefined))
    const reports = await Promise.all(['good', 'bad'].map((value) => send(driver, createMessage(value))))
    expect(reports.map((report) => report.failure)).toEqual([null, failure])
    stop()
    expect(await send(driver, createMessage('bad'))).toMatchObject({ failure: null })
    expect(
      broker
        .records()
        .map(({ value }) => String(value))
        .toSorted(),
    ).toEqual(['bad', 'good'])
  })

  test('connections fail one by one, each with its own failure', async () => {
    const broker = createMemoryDriver()
    broker.failConnect(
      { code: 'BROKERS_UNREACHABLE', reason: 'first' },
      { code: 'AUTHENTICATION_FAILED', reason: 'second' },
    )
    expect(await catchRejection(connect(broker))).toMatchObject({ code: 'BROKERS_UNREACHABLE' })
    expect(await catchRejection(connect(broker))).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await connect(broker)
    expect(broker.createdClients).toBe(1)
  })

  test('a topic that nobody created, where topics do not create themselves', async () => {
    const driver = await connect(createMemoryDriver({ autoCreateTopics: false }))
    expect((await send(driver, createMessage('a'))).failure).toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    await driver.ensureTopic!({ topic: 'orders', partitions: 5, replicationFactor: -1, config: {} })
    expect(await send(driver, { ...createMessage('a'), partition: 4 })).toMatchObject({ failure: null, partition: 4 })
  })

  test('a partition that the topic does not have', async () => {
    const driver = await connect(createMemoryDriver({ partitions: 2 }))
    expect((await send(driver, { ...createMessage('a'), partition: 2 })).failure).toMatchObject({
      code: 'PARTITION_NOT_FOUND',
      reason: 'orders has 2 partitions',
    })
  })
})

test('creating a topic that is there changes nothing; -1 partitions are the default number', async () => {
  const broker = createMemoryDriver({ partitions: 3 })
  const driver = await connect(broker)
  const topic = { topic: 'orders', replicationFactor: -1, config: {} }
  await driver.ensureTopic!({ ...topic, partitions: -1 })
  await send(driver, { ...createMessage('kept'), partition: 2 })
  await driver.ensureTopic!({ ...topic, partitions: 9 })
  expect(broker.records()).toHaveLength(1)
  expect((await send(driver, { ...createMessage('a'), partition: 3 })).failure).not.toBeNull()
})

test('clients are counted: how many there ever were and how many are open', async () => {
  const broker = createMemoryDriver()
  expect(broker.needsBrokers({})).toBe(false)
  const [one] = [await connect(broker), await connect(broker)]
  await one.close()
  expect([broker.createdClients, broker.openClients]).toEqual([2, 1])
})
