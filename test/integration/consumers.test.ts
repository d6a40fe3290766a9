import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confluentDriver } from '../../src/driver/confluent/confluent-driver.ts'
import { platformaticDriver } from '../../src/driver/platformatic/platformatic-driver.ts'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import { describeDriverConsumerContract, type DriverConsumerContract } from '../../src/testing.ts'
import { createConsumerOptions, RecordingListener } from '../driver/consumer-options.ts'

const brokers = (process.env['KAFKA_BOOTSTRAP'] ?? '').split(',')

/** Each of them is asked for all that consumers promise. */
const consumers: readonly (Omit<DriverConsumerContract, 'start'> & { driver: 'confluent' | 'platformatic' })[] = [
  { name: 'confluent on Apache Kafka', driver: 'confluent' },
  {
    name: 'confluent on Apache Kafka, protocol of KIP-848',
    driver: 'confluent',
    consumer: { protocol: 'consumer' },
    // librdkafka tells a member only what changes, and it has nothing to begin with.
    clusterLacks: ['empty shares'],
  },
  { name: 'platformatic on Apache Kafka', driver: 'platformatic' },
  {
    name: 'platformatic on Apache Kafka, protocol of KIP-848',
    driver: 'platformatic',
    consumer: { protocol: 'consumer' },
  },
]

for (const { driver, ...contract } of consumers) {
  const start: DriverConsumerContract['start'] = () =>
    Promise.resolve({
      options: { driver, brokers, producer: { createTopic: 'if-missing' } },
      partitions: 4,
      read: () => Promise.reject(new Error('the consumers under test read')),
      close: () => Promise.resolve(),
    })
  // Together, since most of them wait for a group.
  describeDriverConsumerContract({ ...contract, start }, { describe, test: test.concurrent, beforeAll, afterAll })
}

test.each([confluentDriver, platformaticDriver])(
  'driver $name: a topic that is not there is told, and the others are read',
  async (driver) => {
    const group = randomUUID()
    class Sent extends ProducerManifest<string> {
      override readonly topic = `there.${group}`
      override readonly codec = 'string'
      override readonly createTopic = 'if-missing'
    }
    await using messaging = createMessaging({ brokers, closeOnExit: false }, {})
    await messaging.registry.send(Sent, 'x')
    const listener = new RecordingListener()
    const consumer = await driver.createConsumer(createConsumerOptions({ brokers, group, listener }))
    await consumer.subscribe([`there.${group}`, `absent.${group}`])
    while ((await consumer.poll(10, 100)).length === 0);
    // The members of a group are given nothing of a topic that is not there, so it is told before the first message.
    expect(listener.failures).toMatchObject([{ code: 'TOPIC_NOT_FOUND' }])
    await consumer.close()
  },
)
