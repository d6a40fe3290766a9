import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverContract } from '../../src/testing.ts'
import { startOnMockCluster } from './start-on-mock-cluster.ts'

describeDriverContract(
  { name: 'confluent on the mock cluster', start: () => startOnMockCluster('confluent') },
  { describe, test, beforeAll, afterAll },
)
