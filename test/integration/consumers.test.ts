import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverConsumerContract, type DriverConsumerContract } from '../../src/testing.ts'

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
