import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import { platformaticDriver } from '../../src/driver/platformatic/platformatic-driver.ts'
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type ReceivedMessage,
} from '../../src/index.ts'
import { catchRejection } from '../catch-error.ts'
import { Collected } from '../consumer/consume.ts'
import { createConsumerOptions, RecordingListener } from '../driver/consumer-options.ts'
import { startKafkaTools } from '../kafka/kafka-tools.ts'

const { KAFKA_BOOTSTRAP = '', KAFKA_SASL_BOOTSTRAP = '' } = process.env

const topic = `integration.${randomUUID()}`

class TextSent extends ProducerManifest<string> {
  topic = topic
  override readonly codec = 'string'
}

test.skipIf(KAFKA_SASL_BOOTSTRAP === '')(
  'credentials change at run time: what is queued arrives, and a client that has to log in again uses the new ones',
  { timeout: 60_000 },
  async () => {
    await using tools = await startKafkaTools(KAFKA_BOOTSTRAP)
    const user = randomUUID()
    await tools.setScramPassword(user, 'first')
    let connected = 0
    let reconnects = 0
    onTestFinished(subscribe('client.connected', () => connected++))
    onTestFinished(subscribe('broker.measured', (measured) => (reconnects += measured.reconnects)))
    await using messaging = createMessaging(
      {
        brokers: [KAFKA_SASL_BOOTSTRAP],
        sasl: { mechanism: 'scram-sha-256', username: user, password: 'first' },
        producer: { createTopic: 'if-missing' },
        metrics: { driverStatisticsMs: 100 },
        // So that it has to log in again soon.
        driverOptions: { confluent: { 'connections.max.idle.ms': 500 } },
      },
      {},
    )
    const { registry } = messaging
    await registry.send(TextSent, 'before')
    const queued = Array.from({ length: 10_000 }, (_, index) => registry.send(TextSent, `${index}`))
    await tools.setScramPassword(user, 'second')
    messaging.rotateCredentials({ password: 'second' })
    await Promise.all(queued)
    await vi.waitFor(
      async () => {
        await registry.send(TextSent, 'after')
        expect(reconnects).toBeGreaterThan(0)
      },
      { timeout: 30_000, interval: 1500 },
    )
    expect(connected).toBe(1)
    await registry.with(TextSent, { acks: 1 }).send('by a client of its own')
    expect(connected).toBe(2)
    expect((await tools.readTopic(topic)).length).toBeGreaterThanOrEqual(10_003)
  },
)

test.skipIf(KAFKA_SASL_BOOTSTRAP === '')(
  'consumers that run log in with the new ones, too, and stay in their group',
  { timeout: 60_000 },
  async () => {
    await using tools = await startKafkaTools(KAFKA_BOOTSTRAP)
    const [user, topicOfConsumer] = [randomUUID(), `integration.${randomUUID()}`]
    await tools.setScramPassword(user, 'first')
    await tools.createTopic(topicOfConsumer)
    const revoked: unknown[] = []
    onTestFinished(subscribe('partition.revoked', (event) => revoked.push(event)))
    const refused = Promise.withResolvers<string>()
    onTestFinished(
      subscribe('consumer.errored', ({ error, group }) => {
        if (error.code === 'AUTHENTICATION_FAILED') refused.resolve(group)
      }),
    )
    const start = () =>
      createMessaging(
        {
          brokers: [KAFKA_SASL_BOOTSTRAP],
          sasl: { mechanism: 'scram-sha-256', username: user, password: 'first' },
          // Its connections end by themselves, so that it has to log in again soon.
          driverOptions: { confluent: { 'connections.max.idle.ms': 2_000 } },
          consumer: { fetchMaxWaitMs: 10_000 },
        },
        {},
      )
    const seen = new Collected<string>()
    class Read extends ConsumerManifest<string> {
      override readonly topic = topicOfConsumer
      override readonly group: string = 'told'
      override readonly codec = 'string'
      override handle(message: ReceivedMessage<string>): void {
        if (!message.isTombstone) seen.add(message.payload)
      }
    }
    class NotTold extends Read {
      override readonly group = 'not-told'
      override handle = (): void => undefined
    }
    await using told = start()
    await using notTold = start()
    const running = await told.consumers.run([Read])
    await notTold.consumers.run([NotTold])
    await tools.produce(topicOfConsumer, [{ value: Buffer.from('before') }])
    await seen.count(1)
    await tools.setScramPassword(user, 'second')
    told.rotateCredentials({ password: 'second' })
    expect(await refused.promise).toBe('not-told')
    await tools.produce(topicOfConsumer, [{ value: Buffer.from('after') }])
    expect(await seen.count(2)).toEqual(['before', 'after'])
    expect(revoked).toEqual([])
    await running.stop()
  },
)

test.skipIf(KAFKA_SASL_BOOTSTRAP === '')(
  'connections that a consumer of the JavaScript driver makes from then on log in with the new ones',
  async () => {
    await using tools = await startKafkaTools(KAFKA_BOOTSTRAP)
    const [user, read] = [randomUUID(), `integration.${randomUUID()}`]
    const password = (text: string) => ({ reveal: () => text })
    await tools.setScramPassword(user, 'first')
    await tools.createTopic(read)
    await tools.produce(read, [{ value: Buffer.from('a') }])
    const sasl = { mechanism: 'scram-sha-256', username: user, password: password('first') } as const
    const listener = new RecordingListener()
    const options = createConsumerOptions({ brokers: [KAFKA_SASL_BOOTSTRAP], sasl, group: read, listener })
    const [told, notTold] = [
      await platformaticDriver.createConsumer(options),
      await platformaticDriver.createConsumer({ ...options, listener: new RecordingListener() }),
    ]
    await tools.setScramPassword(user, 'second')
    told.setCredentials?.({ username: user, password: password('second') })
    const position = { topic: read, partition: 0, offset: 'earliest' } as const
    expect(await catchRejection(notTold.assign([position]))).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await told.assign([position])
    const messages = []
    while (messages.length === 0) messages.push(...(await told.poll(10, 1000)))
    expect(String(messages[0]?.value)).toBe('a')
    expect(listener.failures).toEqual([])
    await Promise.all([told.close(), notTold.close()])
  },
)
