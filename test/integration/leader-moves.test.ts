import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import { startKafka, type KafkaCluster } from '../kafka/kafka-cluster.ts'
import { readStored } from '../contract/read-stored.ts'

// Brokers crash, come back and are shut down under a stream of messages: leaders move, connections break, requests stay without an answer.

let kafka: KafkaCluster

beforeAll(async () => {
  kafka = await startKafka({ brokers: 3 })
})

afterAll(() => kafka.close())

interface Counted {
  readonly key: string
  readonly count: number
}

test.each(['platformatic', 'confluent'] as const)(
  '%s loses nothing, sends nothing twice and keeps the order of keys',
  async (driver) => {
    class CountedSent extends ProducerManifest<Counted> {
      override readonly topic = `leader-moves.${driver}`
      override readonly topicConfig = { partitions: 6, replicationFactor: 3, config: { 'min.insync.replicas': '2' } }
      override key({ key }: Counted): string {
        return key
      }
    }
    const brokers = kafka.bootstrap.split(',')
    await using messaging = createMessaging({ brokers, driver, producer: { createTopic: 'if-missing' } }, {})
    let acknowledged = 0
    let isOver = false
    let reached = (): void => undefined
    let goal = Infinity
    const after = (more: number): Promise<void> =>
      new Promise((resolve) => {
        goal = acknowledged + more
        reached = resolve
      })
    const sending = Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const key = `key-${index}`
        let count = 0
        for (; !isOver; count++) {
          // Two at a time for each key, so that a retry of one could be overtaken by the other.
          const first = messaging.registry.send(CountedSent, { key, count })
          const second = messaging.registry.send(CountedSent, { key, count: ++count })
          await Promise.all([first, second])
          acknowledged += 2
          if (acknowledged >= goal) reached()
        }
        return count
      }),
    )
    const broken = sending.then(() => undefined)
    const [first, second] = kafka.brokers as [KafkaCluster['brokers'][0], KafkaCluster['brokers'][0]]
    await Promise.race([after(2000), broken])
    await first.kill()
    await Promise.race([after(4000), broken])
    await first.start()
    await Promise.race([after(4000), broken])
    await second.stop()
    await Promise.race([after(4000), broken])
    await second.start()
    isOver = true
    const counts = await sending
    const byKey = new Map<string, number[]>()
    const total = counts.reduce((sum, count) => sum + count, 0)
    for (const { value } of await readStored(brokers, `leader-moves.${driver}`, total)) {
      const { key, count } = JSON.parse(value!.toString()) as Counted
      byKey.set(key, [...(byKey.get(key) ?? []), count])
    }
    for (const [index, count] of counts.entries())
      expect(byKey.get(`key-${index}`), `key-${index}`).toEqual(Array.from({ length: count }, (_, each) => each))
  },
)
