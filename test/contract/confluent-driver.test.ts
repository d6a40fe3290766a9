import { startMockCluster } from '../../src/testing.ts'
import { describeDriverContract } from './driver-contract.ts'
import { readStored } from './read-stored.ts'

describeDriverContract('confluent on the mock cluster', async () => {
  const cluster = await startMockCluster()
  return {
    options: { brokers: cluster.brokers },
    // The mock cluster creates topics by itself, with this many.
    partitions: 4,
    read: (topic, count) => readStored(cluster.brokers, topic, count),
    close: () => cluster.close(),
  }
})
