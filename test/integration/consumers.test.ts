import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverConsumerContract } from '../../src/testing.ts'

const { KAFKA_BOOTSTRAP = '' } = process.env
const brokers = KAFKA_BOOTSTRAP.split(',')

const start = () =>
  Promise.resolve({
    options: { brokers, producer: { createTopic: 'if-missing' } } as const,
    partitions: 4,
    read: () => Promise.reject(new Error('the consumers under test read')),
    close: () => Promise.resolve(),
  })

describeDriverConsumerContract(
  { name: 'confluent on Apache Kafka', start },
  { describe, test: test.concurrent, beforeAll, afterAll },
)
describeDriverConsumerContract(
  {
    name: 'confluent on Apache Kafka, protocol of KIP-848',
    start,
    consumer: { protocol: 'consumer' },
    // The broker decides about them there: 45 seconds.
    clusterLacks: ['short sessions'],
  },
  { describe, test: test.concurrent, beforeAll, afterAll },
)
