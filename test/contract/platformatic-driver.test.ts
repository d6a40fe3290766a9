import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverContract } from '../../src/testing.ts'
import { startOnMockCluster } from './start-on-mock-cluster.ts'

describeDriverContract(
  { name: 'platformatic on the mock cluster', start: () => startOnMockCluster('platformatic') },
  { describe, test, beforeAll, afterAll },
)
