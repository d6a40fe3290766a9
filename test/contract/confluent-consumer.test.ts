import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverConsumerContract, startMockCluster } from '../../src/testing.ts'

async function start() {
  const cluster = await startMockCluster()
  return {
    options: { brokers: cluster.brokers } as const,
    partitions: 4,
    read: () => Promise.reject(new Error('the consumers under test read')),
    close: () => cluster.close(),
  }
}

// The mock cluster waits three seconds for more members of each new group: together the tests wait for that once.
describeDriverConsumerContract(
  {
    name: 'confluent on the mock cluster',
    start,
    clusterLacks: ['offsets by time', 'rebalances', 'short sessions', 'static members', 'transactional offsets'],
  },
  { describe, test: test.concurrent, beforeAll, afterAll },
)
