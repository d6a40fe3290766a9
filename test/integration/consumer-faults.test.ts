import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMessaging, ProducerManifest, subscribe } from '../../src/index.ts'
import { Collected, handling, numberOf, range, type Item } from '../consumer/consume.ts'
import type { KafkaBroker } from '../kafka/kafka-broker.ts'
import { seededRandom } from '../kafka/seeded-random.ts'
import { withBreakableCluster } from '../kafka/with-breakable-cluster.ts'

const partitions = 6

/** Not on a Kafka that somebody else runs: its brokers are killed. */
describe.skipIf(process.env['KAFKA_SASL_BOOTSTRAP'] === '')('three brokers', () => {
  const cluster = withBreakableCluster()
  const { proxies } = cluster

  /** A member that handles what is sent by a client of its own. */
  async function setUp(driver: 'confluent' | 'platformatic', bootstrap: string) {
    const topic = `faults.${randomUUID()}`
    await cluster.tools.createTopic(topic, { partitions, replicationFactor: 3 })
    class Sent extends ProducerManifest<Item> {
      override readonly topic = topic
    }
    const sender = createMessaging({ brokers: cluster.kafka.bootstrap.split(','), closeOnExit: false }, {})
    const consumer = { group: topic, commitIntervalMs: 100, heartbeatIntervalMs: 500, sessionTimeoutMs: 30_000 }
    const messaging = createMessaging(
      { brokers: bootstrap.split(','), driver, connectTimeoutMs: 60_000, closeOnExit: false, consumer },
      {},
    )
    onTestFinished(async () => {
      await Promise.all([sender.close(), messaging.close()])
    })
    const seen = new Collected<number>()
    const lost: unknown[] = []
    onTestFinished(subscribe('partition.revoked', (event) => lost.push(event)))
    const running = await messaging.consumers.run([handling((message) => seen.add(numberOf(message)), { topic })])
    let sent = 0
    return {
      topic,
      seen,
      lost,
      running,
      /** A thousand more, of all partitions. */
      send: async (): Promise<void> => {
        const numbers = range(sent, (sent += 1000) - 1)
        await Promise.all(numbers.map((n) => sender.registry.send(Sent, { n }, { partition: n % partitions })))
      },
      /** All of them were handled, those of a partition in order; and nothing twice. */
      expectAll: async (): Promise<void> => {
        await seen.count(sent)
        expect(seen.values).toHaveLength(sent)
        for (const partition of range(0, partitions - 1)) {
          const own = range(0, sent - 1).filter((n) => n % partitions === partition)
          expect(seen.values.filter((n) => n % partitions === partition)).toEqual(own)
        }
      },
    }
  }

  describe.each(['confluent', 'platformatic'] as const)('%s', (driver) => {
    test('connections cut every 0.2 to 0.6 s: everything is handled once, in order, and the member keeps its partitions', async () => {
      const { send, seen, lost, expectAll } = await setUp(driver, cluster.kafka.proxyBootstrap!)
      const random = seededRandom(7)
      const stops = proxies.map((proxy) => proxy.cutEvery(random, 200, 600))
      const before = cluster.cuts
      for (let round = 1; cluster.cuts < before + 20; round++) {
        await send()
        await seen.count(round * 500)
      }
      for (const stop of stops) stop()
      await expectAll()
      expect(lost).toEqual([])
    }, 180_000)

    test('a broker killed and returned, leaders moved: everything is handled once, in order', async () => {
      const { topic, send, seen, lost, expectAll } = await setUp(driver, cluster.kafka.bootstrap)
      await send()
      await seen.count(1000)
      const [first, second] = cluster.kafka.brokers as [KafkaBroker, KafkaBroker]
      await first.kill()
      await send()
      await seen.count(2000)
      await first.start()
      for (const partition of range(0, partitions - 1)) await cluster.tools.moveLeader(topic, partition, second.nodeId)
      await send()
      await expectAll()
      expect(lost).toEqual([])
    }, 180_000)
  })
})
