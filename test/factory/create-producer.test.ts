import { expect, test, vi } from 'vitest'
import { ConfigStore } from '../../src/config/config-store.ts'
import type { MessagingOptions } from '../../src/config/fields.ts'
import { Client } from '../../src/driver/client.ts'
import type { TopicSpecification } from '../../src/driver/driver.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { createProducer } from '../../src/factory/create-producer.ts'
import { ProducerManifest, type ProducerManifestClass } from '../../src/factory/producer-manifest.ts'
import type { Producer } from '../../src/factory/producer.ts'
import { readManifest } from '../../src/factory/read-manifest.ts'
import { catchRejection } from '../catch-error.ts'
import { defaultProfile } from '../driver/driver-options.ts'
import { FakeDriver } from '../driver/fake-driver.ts'

class TopicDriver extends FakeDriver {
  readonly ensured: TopicSpecification[] = []
  ensureTopic(topic: TopicSpecification): Promise<void> {
    this.ensured.push(topic)
    return Promise.resolve()
  }
}

class Plain extends ProducerManifest {
  readonly topic = 'orders'
}

function create(
  Manifest: ProducerManifestClass,
  options: MessagingOptions = {},
  driver: FakeDriver = new TopicDriver(),
) {
  const store = new ConfigStore({})
  store.configure(options)
  const read = readManifest(Manifest)
  const connections: Client[] = []
  const subjects: string[] = []
  const registry = createEmbeddedSchemaRegistry()
  const created: Promise<Producer> = createProducer(read, store.resolveProducer(read.name, read.attributes), {
    instance: 'instance',
    config: store.resolve(),
    schemaRegistry: () => ({
      register: (subject, schema) => {
        subjects.push(subject)
        return registry.register(subject, schema)
      },
      getById: (id) => registry.getById(id),
    }),
    connect: () => {
      const client = new Client(driver, defaultProfile)
      connections.push(client)
      return Promise.resolve({ client, driver, driverName: 'fake', profile: defaultProfile })
    },
  })
  return { created, connections, subjects, driver }
}

test('a producer is made of what manifest and configuration say', async () => {
  const { created, connections } = create(Plain, { topicPrefix: 'shop.', producers: { Plain: { topic: 'renamed' } } })
  const producer = await created
  expect(producer).toMatchObject({ name: 'Plain', topic: 'shop.renamed', driverName: 'fake', codec: { name: 'json' } })
  expect(producer.uses(connections[0]!)).toBe(true)
})

test('the size limit of the configuration holds', async () => {
  const producer = await create(Plain, { producer: { maxMessageBytes: 3 } }).created
  expect(await catchRejection(producer.send('four'))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
})

test('a schema is registered under the name of the topic that is really sent to', async () => {
  class Avro extends ProducerManifest<string> {
    readonly topic = 'orders'
    override readonly schema = { type: 'string' }
  }
  const { created, subjects } = create(Avro, { topicPrefix: 'shop.' })
  expect((await created).codec.name).toBe('avro')
  expect(subjects).toEqual(['shop.orders-value'])
})

test('mistakes that need no network are found before a connection is made', async () => {
  class BadSchema extends ProducerManifest {
    readonly topic = 'orders'
    override readonly schema = { type: 'nonsense' }
  }
  class BadTopic extends ProducerManifest {
    readonly topic = 'no topic'
  }
  for (const [Manifest, code] of [
    [BadSchema, 'SCHEMA_INVALID'],
    [BadTopic, 'MANIFEST_INVALID'],
  ] as const) {
    const { created, connections } = create(Manifest)
    expect((await catchRejection(created)).code).toBe(code)
    expect(connections).toEqual([])
  }
})

test('the subject follows strategy and hook', async () => {
  class Order extends ProducerManifest<object> {
    readonly topic = 'orders'
    override readonly schema = { type: 'record', name: 'Order', namespace: 'shop', fields: [] }
  }
  class Named extends Order {
    override subject(topic: string, part: string): string {
      return `${topic}.${part}`
    }
  }
  const byRecord = create(Order, { producer: { subjectStrategy: 'record' } })
  const byHook = create(Named, { producer: { subjectStrategy: 'topic-record' } })
  await Promise.all([byRecord.created, byHook.created])
  expect([...byRecord.subjects, ...byHook.subjects]).toEqual(['shop.Order', 'orders.value'])
})

test('a schema that is not registered needs no name for a subject', async () => {
  class Unregistered extends ProducerManifest<string> {
    readonly topic = 'orders'
    override readonly schema = '"string"'
    override readonly codec = 'json'
    override readonly subjectStrategy = 'record'
  }
  const { created, subjects } = create(Unregistered)
  await created
  expect(subjects).toEqual([])
})

test('a schema registry of its own is asked in place of the configured one', async () => {
  const own = createEmbeddedSchemaRegistry()
  class Elsewhere extends ProducerManifest<string> {
    readonly topic = 'orders'
    override readonly schema = '"string"'
    override readonly schemaRegistry = own
  }
  const register = vi.spyOn(own, 'register')
  const { created, subjects } = create(Elsewhere)
  await created
  expect(register).toHaveBeenCalledTimes(1)
  expect(subjects).toEqual([])
})

test('longs have the shape that the manifest says', async () => {
  class Counted extends ProducerManifest<bigint> {
    readonly topic = 'counts'
    override readonly schema = 'long'
    override readonly longs = 'bigint'
  }
  const { codec } = await create(Counted).created
  expect(await codec.decode(codec.encode(-(2n ** 63n)))).toBe(-(2n ** 63n))
})

test('a topic is created only where the configuration says so, as the topicConfig says', async () => {
  class Configured extends ProducerManifest {
    readonly topic = 'orders'
    override readonly topicConfig = {
      partitions: 12,
      config: { 'retention.ms': 604_800_000, 'cleanup.policy': 'compact', preallocate: true },
    }
  }
  const never = new TopicDriver()
  await create(Configured, {}, never).created
  expect(never.ensured).toEqual([])
  const missing = new TopicDriver()
  await create(Configured, { producer: { createTopic: 'if-missing' } }, missing).created
  expect(missing.ensured).toEqual([
    {
      topic: 'orders',
      partitions: 12,
      replicationFactor: -1,
      config: { 'retention.ms': '604800000', 'cleanup.policy': 'compact', preallocate: 'true' },
    },
  ])
})

test('a driver that cannot create topics says so', async () => {
  const { created } = create(Plain, { producer: { createTopic: 'if-missing' } }, new FakeDriver())
  expect(await catchRejection(created)).toMatchObject({ code: 'TOPIC_INVALID', manifest: 'Plain', topic: 'orders' })
})

test('keys and payloads may use the schemas that the manifest lists', async () => {
  const unit = '{"name":"Unit","type":"enum","symbols":["KG"]}'
  class Weighed extends ProducerManifest<string | null> {
    readonly topic = 'weighed'
    override readonly schema = '["null","Unit"]'
    override readonly keySchema = '{"type":"array","items":"Unit"}'
    override readonly references = [unit]
  }
  const { codec } = await create(Weighed).created
  expect(await codec.decode(codec.encode('KG'))).toBe('KG')
})

test('a manifest without schema registry reads the writers that it lists', async () => {
  class Plain64 extends ProducerManifest<number> {
    readonly topic = 'numbers'
    override readonly codec = 'avro-single-object'
    override readonly schema: string = '"long"'
    override readonly writerSchemas: readonly string[] = ['"int"']
  }
  class Plain32 extends Plain64 {
    override readonly schema = '"int"'
    override readonly writerSchemas = []
  }
  const [wide, narrow] = await Promise.all([create(Plain64).created, create(Plain32).created])
  expect(await wide.codec.decode(Buffer.from(narrow.codec.encode(7)))).toBe(7)
})
