import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverConsumerContract } from '../../src/testing.ts'
import { startOnMockCluster } from './start-on-mock-cluster.ts'

// The mock cluster waits three seconds for more members of each new group: together the tests wait for that once.
describeDriverConsumerContract(
  {
    name: 'confluent on the mock cluster',
    start: () => startOnMockCluster('confluent'),
    clusterLacks: ['offsets by time', 'rebalances', 'short sessions', 'static members', 'transactional offsets'],
  },
  { describe, test: test.concurrent, beforeAll, afterAll },
)
