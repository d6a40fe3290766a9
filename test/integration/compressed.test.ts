import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import { Collected, handling, range } from '../consumer/consume.ts'
import { startKafkaTools, type KafkaTools } from '../kafka/kafka-tools.ts'

const bootstrap = process.env['KAFKA_BOOTSTRAP']!
const brokers = bootstrap.split(',')
let java: KafkaTools

beforeAll(async () => {
  java = await startKafkaTools(bootstrap)
})
afterAll(() => java.close())

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'the JavaScript driver reads what Java, librdkafka and it itself compress with %s',
  async (compression) => {
    const topic = `compressed-${compression}-${randomUUID()}`
    await java.createTopic(topic)
    const values = (by: string): string[] => range(1, 50).map((n) => `${by} ${n} ${'x'.repeat(100)}`)
    await java.produce(
      topic,
      values('java').map((value) => ({ value: Buffer.from(value) })),
      { 'compression.type': compression, 'linger.ms': '50' },
    )
    class Text extends ProducerManifest<string> {
      override readonly topic = topic
      override readonly codec = 'string'
    }
    for (const driver of ['confluent', 'platformatic'] as const) {
      await using messaging = createMessaging({ brokers, driver, closeOnExit: false, producer: { compression } }, {})
      await messaging.registry.sendMany(Text, values(driver))
    }
    await using messaging = createMessaging({ brokers, driver: 'platformatic', closeOnExit: false }, {})
    const seen = new Collected<string>()
    const attributes = { topic, group: topic, codec: 'bytes' }
    const Read = handling((message) => seen.add(String(message.value)), attributes)
    await using _ = await messaging.consumers.run([Read])
    expect(await seen.count(150)).toEqual(['java', 'confluent', 'platformatic'].flatMap(values))
  },
)
