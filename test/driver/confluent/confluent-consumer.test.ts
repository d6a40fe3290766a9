import type { EventEmitter } from 'node:events'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { ConfluentConsumer } from '../../../src/driver/confluent/confluent-consumer.ts'
import { confluentDriver } from '../../../src/driver/confluent/confluent-driver.ts'
import {
  loadNativeModule,
  type NativeConsumer,
  type NativeConsumerCallbacks,
  type NativeError,
  type NativePosition,
  type NativeReader,
} from '../../../src/driver/confluent/native-module.ts'
import { createMessaging, ProducerManifest, type Messaging } from '../../../src/index.ts'
import { catchRejection } from '../../catch-error.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { createConsumerOptions, RecordingListener } from '../consumer-options.ts'
import { createFakeNative } from './fake-native.ts'

// What every consumer promises: test/contract/confluent-consumer.test.ts.
const cluster = withMockCluster()
let messaging: Messaging

class Sent extends ProducerManifest<string> {
  topic = 'orders'
  override readonly codec = 'string'
}

beforeAll(async () => {
  messaging = createMessaging({ brokers: cluster.brokers }, {})
  await messaging.registry.sendMany(
    Sent,
    Array.from({ length: 20 }, (_, index) => `${index}`),
    { partition: 0 },
  )
})

afterAll(() => messaging.close())

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

test('librdkafka does not wait before it looks where partitions begin that a group has no offset of', async () => {
  const native = await loadNativeModule()
  const lines: string[] = []
  const assigned: (readonly NativePosition[])[] = []
  class Watched extends native.KafkaConsumer {
    override connect(...call: Parameters<NativeConsumer['connect']>): void {
      const emitter = this as unknown as EventEmitter
      emitter.on('event.log', ({ message }: { message: string }) => lines.push(message))
      super.connect(...call)
    }
    override incrementalAssign(positions: readonly NativePosition[]): void {
      assigned.push(positions)
      super.incrementalAssign(positions)
    }
  }
  const partition = { topic: 'orders', partition: 0 }
  const readFrom = async (group: string): Promise<number | undefined> => {
    const protocol = 'consumer'
    const connection = { brokers: cluster.brokers, connectTimeoutMs: 10_000, passThrough: { debug: 'topic' } }
    const consumer = new ConfluentConsumer(createConsumerOptions({ ...connection, protocol, group }))
    await consumer.connect({ ...native, KafkaConsumer: Watched })
    await consumer.subscribe(['orders'])
    const [first] = await consumer.poll(1, 30_000)
    await consumer.commit([{ ...partition, offset: 5 }])
    await consumer.close()
    return first?.offset
  }
  const lastStart = (): number | undefined =>
    assigned.at(-1)?.find((position) => position.partition === partition.partition)?.offset

  let groups = 0
  do {
    lines.length = 0
    expect(await readFrom(`starting.${++groups}`)).toBe(0)
    // On a machine that was too busy for the answer to come in time it is left to librdkafka.
  } while (lastStart() === undefined)
  expect(lastStart()).toBe(-2)
  expect(lines.filter((line) => line.includes('querying for logical offset BEGINNING'))).not.toEqual([])
  expect(lines.filter((line) => line.includes('backoff: (re)starting offset query timer'))).toEqual([])
  expect(await readFrom(`starting.${groups}`)).toBe(5)
  expect(lastStart(), 'what is committed librdkafka asks by itself').toBeUndefined()
})

/** A native consumer that does nothing of itself. */
class FakeConsumer {
  protected readonly callbacks: NativeConsumerCallbacks
  /** What each call takes of its queue, in turn: an error, or offsets. */
  readonly queue: (NativeError | readonly number[])[] = []
  constructor(config: NativeConsumerCallbacks) {
    this.callbacks = config
  }
  connect = (_: unknown, done: () => void): void => done()
  disconnect(done: () => void): void {
    done()
  }
  on = (): void => undefined
  rebalanceProtocol = (): string => 'NONE'
  getClient = () => ({
    consume: (...[, , , done]: Parameters<NativeReader['consume']>) => {
      const next = this.queue.shift() ?? []
      const base = { topic: 'orders', partition: 0, timestamp: 0, key: null, value: null }
      process.nextTick(() => {
        if ('code' in next) done(next, [])
        else
          done(
            null,
            next.map((offset) => ({ ...base, offset })),
          )
      })
    },
  })
}

async function connectFake(KafkaConsumer: new (config: NativeConsumerCallbacks) => FakeConsumer, options = {}) {
  const consumer = new ConfluentConsumer(createConsumerOptions(options))
  await consumer.connect({ ...createFakeNative().native, KafkaConsumer: KafkaConsumer as never })
  return consumer
}

test('an error between messages is told, and what stands behind it comes', async () => {
  class FailingConsumer extends FakeConsumer {
    override readonly queue = [[0, 1], { code: 3, message: 'Broker: Unknown topic or partition' }, [2]]
  }
  const listener = new RecordingListener()
  const consumer = await connectFake(FailingConsumer, { listener })
  expect(await consumer.poll(10, 1000)).toHaveLength(2)
  expect((await consumer.poll(10, 1000)).map(({ offset }) => offset)).toEqual([2])
  expect(listener.failures).toMatchObject([{ code: 'TOPIC_NOT_FOUND', driverCode: 3 }])
  await consumer.close()
})

test('close answers an assignment that comes meanwhile, for which librdkafka would wait for ever', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const calls: string[] = []
  class ClosingConsumer extends FakeConsumer {
    #finish: () => void = () => undefined
    override disconnect(done: () => void): void {
      this.#finish = done
      this.callbacks.rebalance_cb({ code: -175, message: 'assign' }, [])
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
  const closed = (await connectFake(ClosingConsumer)).close()
  await vi.advanceTimersByTimeAsync(5)
  await closed
  expect(calls).toEqual(['assign', 'unassign', 'unassign'])
})
