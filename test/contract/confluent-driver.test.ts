import { afterAll, beforeAll, describe, test } from 'vitest'
import { describeDriverContract, startMockCluster } from '../../src/testing.ts'
import { readStored } from './read-stored.ts'

async function start() {
  const cluster = await startMockCluster()
  return {
    options: { brokers: cluster.brokers } as const,
    // The mock cluster creates topics by itself, with this many.
    partitions: 4,
    read: (topic: string, count: number) => readStored(cluster.brokers, topic, count),
    close: () => cluster.close(),
  }
}

describeDriverContract({ name: 'confluent on the mock cluster', start }, { describe, test, beforeAll, afterAll })
