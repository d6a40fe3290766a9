import { MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import type { ConsumingDriverModule } from '../driver-consumer.ts'
import type { Driver, DriverOptions } from '../driver.ts'
import { BrokerCounts } from './broker-counts.ts'
import { Cluster } from './cluster.ts'
import { connectConsumer } from './connect-consumer.ts'
import { createConnectionOptions, readTopicPropagationMs } from './connection-options.ts'
import { loadPlatformaticModule, type LibraryCompression, type PlatformaticModule } from './platformatic-module.ts'
import { RecordSender } from './record-sender.ts'

/** Kafka in JavaScript: connections, TLS, SASL and the protocol of @platformatic/kafka, with batches of our own. */
export const platformaticDriver: ConsumingDriverModule = {
  name: 'platformatic',
  needsBrokers: () => true,
  async createDriver(options) {
    const library = await loadPlatformaticModule()
    const topicPropagationMs = readTopicPropagationMs(options.passThrough)
    const compression = findCompression(library, options)
    const counts = new BrokerCounts()
    const cluster = new Cluster(
      library,
      { ...options, createsTopics: true },
      createConnectionOptions(options),
      (nodeId) => counts.reconnected(nodeId),
    )
    const identity = await cluster.connect()
    const sender = new RecordSender({ library, cluster, options, compression, identity, counts, topicPropagationMs })
    return createDriver(cluster, sender, counts, options)
  },
  createConsumer: async (options) => connectConsumer(await loadPlatformaticModule(), options),
}

function createDriver(cluster: Cluster, sender: RecordSender, counts: BrokerCounts, options: DriverOptions): Driver {
  const { statistics } = options
  const telling = statistics
    ? setInterval(() => {
        statistics.onStatistics(counts.take((nodeId) => sender.queuedFor(nodeId)))
      }, statistics.intervalMs).unref()
    : undefined
  return {
    // Every message is written into the bytes of its batch at once.
    capabilities: { copiesValue: true, idempotence: true, workerThreads: true, durable: true },
    produce(message, settlement) {
      sender.produce(message, settlement)
      return true
    },
    flush() {
      sender.hurry()
      return Promise.resolve()
    },
    async close() {
      clearInterval(telling)
      sender.close()
      await cluster.close()
    },
    async partitionCount(topic) {
      const found = (await cluster.metadata([topic])).get(topic)
      if (!found?.leaders.length) throw createDriverError({ code: 'TOPIC_NOT_FOUND', reason: topic }, { topic })
      return found.leaders.length
    },
    ensureTopic: (topic) => cluster.createTopic(topic),
    setCredentials: (credentials) => cluster.setCredentials(credentials),
  }
}

function findCompression(
  { compressionsAlgorithms }: PlatformaticModule,
  { profile }: DriverOptions,
): LibraryCompression | undefined {
  if (profile.compression === 'none') return undefined
  const found = compressionsAlgorithms[profile.compression]
  if (found?.available) return found
  const reason = `${profile.compression} compression is not available in this version of Node`
  throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'platformatic', reason })
}
