import { randomUUID } from 'node:crypto'
import confluentKafka from '@confluentinc/kafka-javascript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMessaging, ProducerManifest, type Messaging } from '../../src/index.ts'
import { startKafkaTools, type KafkaTools } from '../kafka/kafka-tools.ts'

const brokers = (process.env['KAFKA_BOOTSTRAP'] ?? '').split(',')

function start(transactionalId: string): Messaging {
  return createMessaging({ brokers, transactionalId, producer: { createTopic: 'if-missing' } }, {})
}

function textManifest() {
  const name = `integration.${randomUUID()}`
  return class TextSent extends ProducerManifest<string> {
    static override manifestName = name.replaceAll('.', '-')
    static topicName = name
    topic = name
    override readonly codec = 'string'
    override readonly topicConfig = { partitions: 2 }
  }
}

let tools: KafkaTools
beforeAll(async () => {
  tools = await startKafkaTools(brokers.join(','))
})
afterAll(() => tools.close())

/** What a Java consumer that reads committed messages sees of a topic. */
async function readCommitted(topic: string): Promise<string[]> {
  const records = await tools.readTopic(topic, { isolation: 'read_committed' })
  return records.map(({ value }) => value!.toString()).toSorted()
}

test('committed messages are seen, of several manifests; aborted ones are not, whatever was acknowledged', async () => {
  const [First, Second] = [textManifest(), textManifest()]
  await using messaging = start(randomUUID())
  const { registry } = messaging
  await registry.transaction(async (tx) => {
    await tx.send(First, 'committed-1')
    void tx.sendMany(Second, ['committed-2', 'committed-3'])
  })
  const mistake = new Error('mistake')
  const aborted = registry.transaction(async (tx) => {
    expect(await tx.send(First, 'aborted-1')).toMatchObject({ topic: First.topicName })
    throw mistake
  })
  await expect(aborted).rejects.toBe(mistake)
  let late: Promise<unknown> | undefined
  const abortedAtOnce = registry.transaction((tx) => {
    late = tx.sendMany(First, ['aborted-2', 'aborted-3'])
    throw mistake
  })
  await expect(abortedAtOnce).rejects.toBe(mistake)
  await Promise.allSettled([late])
  await registry.transaction((tx) => tx.send(First, 'committed-4'))
  expect(await readCommitted(First.topicName)).toEqual(['committed-1', 'committed-4'])
  expect(await readCommitted(Second.topicName)).toEqual(['committed-2', 'committed-3'])
})

test('a message that is too large aborts its transaction before it is sent, and the next one goes on with the same client', async () => {
  const Manifest = textManifest()
  await using messaging = start(randomUUID())
  const { registry } = messaging
  const refused = registry.transaction((tx) => {
    void tx.send(Manifest, 'with it')
    void tx.send(Manifest, 'x'.repeat(1_000_001))
  })
  await expect(refused).rejects.toMatchObject({
    code: 'TRANSACTION_ABORTED',
    failures: [{ index: 1, error: { code: 'MESSAGE_TOO_LARGE' } }],
  })
  const [client] = registry.status().clients
  await registry.transaction((tx) => tx.send(Manifest, 'after it'))
  expect(registry.status().clients).toMatchObject([client!])
  expect(await readCommitted(Manifest.topicName)).toEqual(['after it'])
})

test('the newer of two with one identity fences the older, which is rebuilt on its next transaction', async () => {
  const Manifest = textManifest()
  const id = randomUUID()
  await using older = start(id)
  await using newer = start(id)
  await older.registry.transaction((tx) => tx.send(Manifest, 'older-1'))
  const inside = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const fenced = older.registry.transaction(async (tx) => {
    await tx.send(Manifest, 'fenced')
    inside.resolve()
    await goOn.promise
    await tx.send(Manifest, 'fenced too')
  })
  await inside.promise
  await newer.registry.transaction((tx) => tx.send(Manifest, 'newer'))
  goOn.resolve()
  await expect(fenced).rejects.toMatchObject({ code: 'PRODUCER_FENCED', retriable: false })
  await older.registry.transaction((tx) => tx.send(Manifest, 'older-2'))
  expect(await readCommitted(Manifest.topicName)).toEqual(['newer', 'older-1', 'older-2'])
})

test('offsets of a consumer are committed with the messages, and not where the transaction is aborted', async () => {
  const Manifest = textManifest()
  const group = randomUUID()
  await using messaging = start(randomUUID())
  const { registry } = messaging
  const { partition } = await registry.transaction((tx) => tx.send(Manifest, 'in'))
  const consumer = new confluentKafka.KafkaConsumer(
    { 'bootstrap.servers': brokers.join(','), 'group.id': group, 'enable.auto.commit': false },
    {},
  )
  await new Promise<void>((resolve, reject) =>
    consumer.connect({ timeout: 10_000 }, (error) => (error ? reject(new Error(error.message)) : resolve())),
  )
  try {
    const toppar = { topic: Manifest.topicName, partition }
    consumer.assign([toppar])
    await expect(
      registry.transaction(async (tx) => {
        await tx.sendOffsets([{ ...toppar, offset: 7 }], consumer)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await tools.committedOffsets(group)).toEqual([])
    await registry.transaction(async (tx) => {
      await tx.send(Manifest, 'out')
      await tx.sendOffsets([{ ...toppar, offset: 1 }], consumer)
    })
    expect(await tools.committedOffsets(group)).toMatchObject([{ ...toppar, offset: 1 }])
  } finally {
    await new Promise<void>((resolve) => consumer.disconnect(() => resolve()))
  }
})
