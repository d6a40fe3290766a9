import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createMessaging, ProducerManifest, subscribe } from '../../src/index.ts'
import { startKafkaTools } from '../kafka/kafka-tools.ts'

const { KAFKA_BOOTSTRAP = '', KAFKA_SASL_BOOTSTRAP = '' } = process.env

const topic = `integration.${randomUUID()}`

class TextSent extends ProducerManifest<string> {
  topic = topic
  override readonly codec = 'string'
}

test.skipIf(KAFKA_SASL_BOOTSTRAP === '')(
  'credentials change at run time: what is queued arrives, and a client that has to log in again uses the new ones',
  { timeout: 60_000 },
  async () => {
    await using tools = await startKafkaTools(KAFKA_BOOTSTRAP)
    const user = randomUUID()
    await tools.setScramPassword(user, 'first')
    let connected = 0
    let reconnects = 0
    onTestFinished(subscribe('client.connected', () => connected++))
    onTestFinished(subscribe('broker.measured', (measured) => (reconnects += measured.reconnects)))
    await using messaging = createMessaging(
      {
        brokers: [KAFKA_SASL_BOOTSTRAP],
        sasl: { mechanism: 'scram-sha-256', username: user, password: 'first' },
        producer: { createTopic: 'if-missing' },
        metrics: { driverStatisticsMs: 100 },
        // So that it has to log in again soon.
        driverOptions: { confluent: { 'connections.max.idle.ms': 500 } },
      },
      {},
    )
    const { registry } = messaging
    await registry.send(TextSent, 'before')
    const queued = Array.from({ length: 10_000 }, (_, index) => registry.send(TextSent, `${index}`))
    await tools.setScramPassword(user, 'second')
    messaging.rotateCredentials({ password: 'second' })
    await Promise.all(queued)
    await vi.waitFor(
      async () => {
        await registry.send(TextSent, 'after')
        expect(reconnects).toBeGreaterThan(0)
      },
      { timeout: 30_000, interval: 1500 },
    )
    expect(connected).toBe(1)
    await registry.with(TextSent, { acks: 1 }).send('by a client of its own')
    expect(connected).toBe(2)
    expect((await tools.readTopic(topic)).length).toBeGreaterThanOrEqual(10_003)
  },
)
