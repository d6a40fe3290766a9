import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { ConfluentConsumer } from '../../../src/driver/confluent/confluent-consumer.ts'
import { confluentDriver } from '../../../src/driver/confluent/confluent-driver.ts'
import type { NativeConsumerCallbacks } from '../../../src/driver/confluent/native-module.ts'
import { createMessaging, ProducerManifest, type Messaging } from '../../../src/index.ts'
import { startMockCluster, type MockCluster } from '../../../src/testing.ts'
import { catchRejection } from '../../catch-error.ts'
import { createConsumerOptions } from '../consumer-options.ts'
import { createFakeNative } from './fake-native.ts'

// What every consumer promises: test/contract/confluent-consumer.test.ts.
let cluster: MockCluster
let messaging: Messaging

class Sent extends ProducerManifest<string> {
  topic = 'orders'
  override readonly codec = 'string'
}

beforeAll(async () => {
  cluster = await startMockCluster()
  messaging = createMessaging({ brokers: cluster.brokers }, {})
  await messaging.registry.sendMany(
    Sent,
    Array.from({ length: 20 }, (_, index) => `${index}`),
    { partition: 0 },
  )
})

afterAll(async () => {
  await messaging.close()
  await cluster.close()
})

const connect = (options = {}) =>
  confluentDriver.createConsumer(
    createConsumerOptions({ brokers: cluster.brokers, connectTimeoutMs: 10_000, ...options }),
  )

test('brokers that do not answer are an error of the connection', async () => {
  const options = { brokers: ['127.0.0.1:1'], connectTimeoutMs: 300 }
  expect(await catchRejection(connect(options))).toMatchObject({ code: 'BROKERS_UNREACHABLE', outcome: 'not_sent' })
})

test('a setting that librdkafka refuses is named', async () => {
  const error = await catchRejection(connect({ passThrough: { 'no.such.setting': 1 } }))
  expect(error).toMatchObject({ code: 'DRIVER_OPTION_INVALID' })
  expect(error.message).toContain('no.such.setting')
})

test('a commit is confirmed while nobody polls and messages wait, and none of these is lost', async () => {
  const consumer = await connect()
  await consumer.assign([{ topic: 'orders', partition: 0, offset: 0 }])
  const [first] = await consumer.poll(1, 10_000)
  await consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }])
  await consumer.commit([{ topic: 'orders', partition: 0, offset: 2 }])
  const offsets = [first!.offset]
  while (offsets.length < 20) offsets.push(...(await consumer.poll(3, 10_000)).map(({ offset }) => offset))
  expect(offsets).toEqual(Array.from({ length: 20 }, (_, index) => index))
  await consumer.close()
})

test('a pause while a poll is under way holds back what that poll had taken', async () => {
  const consumer = await connect()
  const partition = { topic: 'orders', partition: 0 }
  await consumer.assign([{ ...partition, offset: 0 }])
  expect(await consumer.poll(1, 10_000)).toHaveLength(1)
  const underWay = consumer.poll(5, 0)
  await Promise.resolve()
  consumer.pause([partition])
  expect(await underWay).toEqual([])
  expect(await consumer.poll(5, 50)).toEqual([])
  consumer.resume([partition])
  expect((await consumer.poll(1, 10_000)).map(({ offset }) => offset)).toEqual([1])
  await consumer.close()
})

test('close does not wait for a listener that never ends, and may be called again', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const stuck = {
    assigned: () => {
      ask()
      return new Promise<void>(() => undefined)
    },
    revoked: () => undefined,
    lost: () => undefined,
    failed: () => undefined,
  }
  const consumer = await connect({ listener: stuck })
  await consumer.subscribe(['orders'])
  const waiting = consumer.poll(10, 60_000)
  await asked
  await Promise.all([consumer.close(), consumer.close()])
  expect(await waiting).toEqual([])
  expect(await catchRejection(consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }]))).toMatchObject({
    code: 'DRIVER_FAILED',
  })
})

test('close answers an assignment that comes meanwhile, for which librdkafka would wait for ever', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const calls: string[] = []
  class ClosingConsumer {
    readonly #callbacks: NativeConsumerCallbacks
    #finish: () => void = () => undefined
    constructor(config: NativeConsumerCallbacks) {
      this.#callbacks = config
    }
    connect = (_: unknown, done: () => void): void => done()
    on = (): void => undefined
    rebalanceProtocol = (): string => 'NONE'
    getClient = () => ({
      consume: (...[, , , done]: [number, number, boolean, (...args: unknown[]) => void]) => done(null, []),
    })
    disconnect(done: () => void): void {
      this.#finish = done
      this.#callbacks.rebalance_cb({ code: -175, message: 'assign' }, [])
    }
    incrementalAssign(): void {
      calls.push('assign')
      throw new Error('KafkaConsumer is disconnected')
    }
    unassign(): void {
      calls.push('unassign')
      if (calls.length === 2) throw new Error('librdkafka does not know yet that it closes')
      this.#finish()
    }
  }
  const consumer = new ConfluentConsumer(createConsumerOptions())
  await consumer.connect({ ...createFakeNative().native, KafkaConsumer: ClosingConsumer as never })
  const closed = consumer.close()
  await vi.advanceTimersByTimeAsync(5)
  await closed
  expect(calls).toEqual(['assign', 'unassign', 'unassign'])
})

test('a transaction takes the offsets of partitions that the member has, before and after it was asked', async () => {
  const assigned = Promise.withResolvers<void>()
  const nothing = (): void => undefined
  const listener = { assigned: () => assigned.resolve(), revoked: nothing, lost: nothing, failed: nothing }
  const consumer = (await connect({ group: 'in-transaction', listener })) as ConfluentConsumer
  await consumer.subscribe(['orders'])
  let isOver = false
  const polling = (async () => {
    while (!isOver) await consumer.poll(1, 20)
  })()
  await assigned.promise
  const mine = [{ topic: 'orders', partition: 0 }]
  let asked = 0
  const send = async () => void asked++
  expect(await consumer.commitBy(mine, send)).toBeUndefined()
  expect(await consumer.commitBy([{ topic: 'others', partition: 0 }], send)).toMatchObject({
    code: 'GROUP_REJOIN_REQUIRED',
  })
  const failure = { code: 'DRIVER_FAILED', reason: 'no' } as const
  expect(await consumer.commitBy(mine, () => Promise.resolve(failure))).toBe(failure)
  expect(asked).toBe(1)
  // The native consumer is in use until the call is over.
  const goOn = Promise.withResolvers<undefined>()
  const taken = consumer.commitBy(mine, () => goOn.promise)
  let isClosed = false
  isOver = true
  await polling
  const closed = consumer.close().then(() => (isClosed = true))
  await new Promise(setImmediate)
  expect(isClosed).toBe(false)
  goOn.resolve(undefined)
  expect(await taken).toMatchObject({ code: 'CLOSE_TIMED_OUT' })
  await closed
  expect(await consumer.commitBy(mine, send)).toMatchObject({ code: 'CLOSE_TIMED_OUT' })
})
