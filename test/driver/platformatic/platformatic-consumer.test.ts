import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DriverConsumer, DriverConsumerOptions } from '../../../src/driver/driver-consumer.ts'
import { connectConsumer } from '../../../src/driver/platformatic/connect-consumer.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { createMessaging, ProducerManifest } from '../../../src/index.ts'
import { catchRejection } from '../../catch-error.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { createConsumerOptions, RecordingListener } from '../consumer-options.ts'

const library = await loadPlatformaticModule()
const cluster = withMockCluster({ brokers: 1 })

async function connect(options: Partial<DriverConsumerOptions> = {}): Promise<DriverConsumer> {
  const consumer = await connectConsumer(
    library,
    createConsumerOptions({ brokers: cluster.brokers, group: randomUUID(), fetchMaxWaitMs: 50, ...options }),
  )
  onTestFinished(() => consumer.close())
  return consumer
}

async function createTopic(texts: readonly string[]): Promise<string> {
  const topic = `consumer.${randomUUID()}`
  class Text extends ProducerManifest<string> {
    override readonly topic = topic
    override readonly codec = 'string'
  }
  await using messaging = createMessaging({ brokers: cluster.brokers, driver: 'platformatic', closeOnExit: false }, {})
  for (const text of texts) await messaging.registry.send(Text, text, { partition: 0 })
  return topic
}

async function pollUntil(consumer: DriverConsumer, isSo: () => boolean): Promise<void> {
  while (!isSo()) await consumer.poll(10, 20)
}

describe('a consumer', () => {
  test('that is closed while its listener works does not wait for it', async () => {
    const topic = await createTopic(['a'])
    const listener = new RecordingListener()
    const assigned = Promise.withResolvers<void>()
    listener.assigned = () => {
      assigned.resolve()
      return new Promise<never>(() => undefined) as never
    }
    const consumer = await connect({ listener })
    await consumer.subscribe([topic])
    const polling = consumer.poll(10, 60_000)
    await assigned.promise
    await consumer.close()
    expect(await polling).toEqual([])
    expect(await catchRejection(consumer.commit([]))).toMatchObject({ code: 'DRIVER_FAILED' })
  })

  test('gives what its listener throws to the poll, and has the partitions all the same', async () => {
    const topic = await createTopic(['a'])
    const listener = new RecordingListener()
    let isTold = false
    listener.assigned = () => {
      isTold = true
      throw new Error('not now')
    }
    const consumer = await connect({ listener })
    await consumer.subscribe([topic])
    await expect(pollUntil(consumer, () => false)).rejects.toThrow('not now')
    expect(isTold).toBe(true)
    const messages = []
    while (messages.length === 0) messages.push(...(await consumer.poll(10, 20)))
    expect(String(messages[0]?.value)).toBe('a')
  })

  test('reads on where it stands after others have taken turns, and commits without a group', async () => {
    const topic = await createTopic(['a', 'b', 'c'])
    const consumer = await connect()
    await consumer.assign([{ topic, partition: 0, offset: 1 }])
    const texts: string[] = []
    while (texts.length < 2) texts.push(...(await consumer.poll(1, 1000)).map(({ value }) => String(value)))
    expect(texts).toEqual(['b', 'c'])
    await consumer.commit([{ topic, partition: 0, offset: 3, metadata: 'done' }])
    expect(await consumer.committed([{ topic, partition: 0 }])).toEqual([
      { topic, partition: 0, offset: 3, metadata: 'done' },
    ])
  })

  test('refuses partitions that are not there', async () => {
    const topic = await createTopic(['a'])
    const consumer = await connect()
    const assigning = consumer.assign([{ topic, partition: 44, offset: 0 }])
    expect(await catchRejection(assigning)).toMatchObject({ code: 'PARTITION_NOT_FOUND', topic })
    expect(await catchRejection(consumer.watermarks({ topic, partition: 44 }))).toMatchObject({
      code: 'PARTITION_NOT_FOUND',
    })
  })
})
