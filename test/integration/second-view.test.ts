import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Type } from 'avsc'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CommitRecorded, type Commit } from '../../demo/manifests.ts'
import { createMessaging, ProducerManifest, type DeliveryReport, type Messaging } from '../../src/index.ts'
import { startKafkaTools, type KafkaTools } from '../kafka/kafka-tools.ts'
import { hasKcat, readWithKcat } from '../kafka/read-with-kcat.ts'

// What the SDK sent, as programs see it that share no code with it: the Java client and kcat.

const bootstrap = process.env.KAFKA_BOOTSTRAP ?? ''
const kcatInstalled = await hasKcat()
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, index) => index))

interface Sent {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer])[]
  readonly partition: number
  readonly timestamp: number
}

class BytesSent extends ProducerManifest<Buffer> {
  topic = `second-view.${randomUUID()}`
  override readonly codec = 'bytes'
}

let tools: KafkaTools

beforeAll(async () => {
  tools = await startKafkaTools(bootstrap)
})

afterAll(() => tools.close())

describe.each(['confluent', 'platformatic'] as const)('what %s sends', (driver) => {
  let messaging: Messaging

  beforeAll(() => {
    messaging = createMessaging({ driver, brokers: bootstrap.split(',') }, {})
  })

  afterAll(() => messaging.close())

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'is read by Java where it was compressed by %s',
    async (compression) => {
      const topic = `second-view.${randomUUID()}`
      const options = {
        driver,
        brokers: bootstrap.split(','),
        producer: { compression },
        producers: { BytesSent: { topic } },
      }
      await using compressing = createMessaging(options, {})
      await tools.createTopic(topic)
      const values = Array.from({ length: 200 }, (_, index) => Buffer.from(`the same again, and again ${index}`))
      await compressing.registry.sendMany(BytesSent, values)
      expect((await tools.readTopic(topic)).map(({ value }) => value)).toEqual(values)
    },
  )

  test('value, key, headers, tombstones, timestamps and partition arrive byte for byte', async () => {
    const sent: Sent[] = [
      { key: Buffer.from('order-1'), value: everyByte, headers: [], partition: 0, timestamp: 1_700_000_000_000 },
      {
        key: everyByte,
        value: Buffer.alloc(0),
        headers: [['every byte', everyByte]],
        partition: 1,
        timestamp: 1_700_000_000_001,
      },
      {
        key: Buffer.alloc(0),
        value: Buffer.from('empty key'),
        headers: [['empty', Buffer.alloc(0)]],
        partition: 2,
        timestamp: 1,
      },
      {
        key: null,
        value: Buffer.from('no key'),
        headers: [
          ['repeated', Buffer.from('first')],
          ['other', Buffer.from('ß')],
          ['repeated', Buffer.from('second')],
          ['__proto__', Buffer.from('just a name')],
          ['größe', Buffer.from('a name that is not ASCII')],
        ],
        partition: 0,
        timestamp: 1_700_000_000_003,
      },
      {
        key: Buffer.from('gone'),
        value: null,
        headers: [['why', Buffer.from('deleted')]],
        partition: 1,
        timestamp: 1_700_000_000_004,
      },
      {
        key: Buffer.from('large'),
        value: Buffer.alloc(900_000, everyByte),
        headers: [],
        partition: 2,
        timestamp: 1_700_000_000_005,
      },
    ]
    const topic = `second-view.${randomUUID()}`
    messaging.configure({ producers: { BytesSent: { topic } } })
    await tools.createTopic(topic, { partitions: 3 })
    const reports: DeliveryReport[] = []
    for (const { key, value, ...options } of sent) {
      reports.push(
        await (value === null
          ? messaging.registry.tombstone(BytesSent, key, options)
          : messaging.registry.send(BytesSent, value, { ...options, key })),
      )
    }
    expect(reports.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [0, 1],
      [1, 1],
      [2, 1],
    ])

    const expected = [0, 3, 1, 4, 2, 5].map((index) => ({
      ...sent[index]!,
      offset: reports[index]!.offset,
      timestampType: 'CreateTime',
    }))
    expect(await tools.readTopic(topic)).toEqual(expected)
    // A missing kcat is not a skipped check in CI: the Java view above has made it.
    if (!kcatInstalled) return
    const seen = await readWithKcat(bootstrap, topic)
    const byPosition = seen.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    expect(byPosition.map(({ headers: _, ...record }) => record)).toEqual(
      expected.map(({ headers: _, timestampType: __, ...record }) => record),
    )
  })
})

test('Avro arrives in the Confluent wire format, readable with the schema alone', async () => {
  const commit: Commit = {
    hash: 'f00',
    authorTime: 1_700_000_000_000,
    subject: 'grüße',
    body: '',
    files: [{ path: 'a', insertions: 1, deletions: null }],
    parents: [],
  }
  const topic = `second-view.${randomUUID()}`
  await using avro = createMessaging(
    { brokers: bootstrap.split(','), schemaRegistry: { url: 'memory:' }, producers: { CommitRecorded: { topic } } },
    {},
  )
  await tools.createTopic(topic)
  await avro.registry.send(CommitRecorded, commit)
  const [record] = await tools.readTopic(topic)
  expect(record).toMatchObject({ timestamp: commit.authorTime })
  expect(record!.key).toEqual(Buffer.from('f00'))
  expect(record!.value![0]).toBe(0)
  const type = Type.forSchema(new CommitRecorded().schema as never)
  expect(JSON.stringify(type.fromBuffer(record!.value!.subarray(5)))).toBe(JSON.stringify(commit))
})

test('the demo runs against a real Kafka, and removes its topic', async () => {
  const demo = fileURLToPath(new URL('../../demo/demo.ts', import.meta.url))
  const child = spawn(process.execPath, [demo, '--brokers', bootstrap, '--repeat', '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number]
  expect(output).toContain('Every record arrived once, in order and unchanged.')
  expect(code).toBe(0)
  const topic = /topic +(demo-\S+)/.exec(output)![1]!
  await expect(tools.describeTopic(topic)).rejects.toThrow('UnknownTopicOrPartition')
})
