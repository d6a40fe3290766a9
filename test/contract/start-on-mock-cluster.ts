import { startMockCluster } from '../../src/testing.ts'
import { readStored } from './read-stored.ts'

/** What a contract is asked of: a driver, on a mock cluster of its own. */
export async function startOnMockCluster(driver: 'confluent' | 'platformatic') {
  const cluster = await startMockCluster()
  return {
    options: { brokers: cluster.brokers, driver },
    // The mock cluster creates topics by itself, with this many.
    partitions: 4,
    read: (topic: string, count: number) => readStored(cluster.brokers, topic, count),
    close: () => cluster.close(),
  }
}
