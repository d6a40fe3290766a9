import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createMessaging, ProducerManifest, subscribe } from '../../src/index.ts'
import { Collected, handling, numberOf, range, type Item } from '../consumer/consume.ts'
import { startKafka, type KafkaCluster } from '../kafka/kafka-cluster.ts'

const sessionMs = 5000
let kafka: KafkaCluster

beforeAll(async () => {
  kafka = await startKafka({
    config: { 'connections.max.reauth.ms': sessionMs },
    sasl: { users: { postrider: 'secret' } },
  })
})
afterAll(() => kafka.close())

test('the JavaScript driver renews its sessions of SASL on the same connections, while messages come and go', async () => {
  const topic = `reauthentication-${randomUUID()}`
  class Sent extends ProducerManifest<Item> {
    override readonly topic = topic
    override readonly createTopic = 'if-missing'
  }
  const reconnects: number[] = []
  onTestFinished(subscribe('broker.measured', (measured) => reconnects.push(measured.reconnects)))
  const errors: string[] = []
  onTestFinished(subscribe('client.errored', ({ error }) => errors.push(error.message)))
  onTestFinished(subscribe('consumer.errored', ({ error }) => errors.push(error.message)))
  await using messaging = createMessaging(
    {
      brokers: kafka.saslBootstrap!.split(','),
      driver: 'platformatic',
      closeOnExit: false,
      sasl: { mechanism: 'plain', username: 'postrider', password: 'secret' },
      metrics: { driverStatisticsMs: 100 },
      consumer: { group: topic, commitIntervalMs: 50, heartbeatIntervalMs: 200 },
    },
    {},
  )
  const seen = new Collected<number>()
  await messaging.registry.send(Sent, { n: 0 })
  await using _ = await messaging.consumers.run([handling((message) => seen.add(numberOf(message)), { topic })])
  const endAt = performance.now() + 2 * sessionMs
  let sent = 1
  while (performance.now() < endAt) {
    await messaging.registry.send(Sent, { n: sent++ })
    await delay(5)
  }
  expect(await seen.count(sent)).toEqual(range(0, sent - 1))
  expect(errors).toEqual([])
  expect(reconnects.length).toBeGreaterThan(10)
  expect(new Set(reconnects)).toEqual(new Set([0]))
})
