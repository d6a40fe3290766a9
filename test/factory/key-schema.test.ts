import { expect, test } from 'vitest'
import { createAvroCodec, createEmbeddedSchemaRegistry } from '../../src/encoding.ts'
import { subscribe } from '../../src/instrumentation.ts'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'

interface Order {
  readonly shop: string
  readonly number: number
}

const keySchema = {
  type: 'record',
  name: 'OrderKey',
  fields: [
    { name: 'shop', type: 'string' },
    { name: 'number', type: 'int' },
  ],
}
const schemaRegistry = createEmbeddedSchemaRegistry()
const subjects: string[] = []

class OrderPlaced extends ProducerManifest<Order> {
  topic = 'orders'
  override readonly schema = { type: 'record', name: 'Order', fields: [{ name: 'number', type: 'int' }] }
  override readonly keySchema = keySchema
  override readonly schemaRegistry = {
    ...schemaRegistry,
    register: (subject: string, schema: string) => {
      subjects.push(subject)
      return schemaRegistry.register(subject, schema)
    },
  }
  override key({ shop, number }: Order) {
    return { shop, number }
  }
}

test('a key with a schema is written like an Avro payload, by send and by tombstone', async () => {
  const driver = createMemoryDriver()
  await using messaging = createMessaging({ driver }, {})
  const published: string[] = []
  using stop = new DisposableStack()
  stop.defer(subscribe('schema.registered', ({ subject }) => published.push(subject)))
  const sent = await messaging.registry.send(OrderPlaced, { shop: 'berlin', number: 7 })
  const deleted = await messaging.registry.tombstone(OrderPlaced, { shop: 'berlin', number: 7 })
  expect(deleted.partition).toBe(sent.partition)
  expect(subjects).toEqual(['orders-value', 'orders-key'])
  expect(published, 'as by a configured schema registry').toEqual(subjects)
  const codec = await createAvroCodec({ manifest: 'reader', schema: keySchema, subject: 'any', schemaRegistry })
  const [order, tombstone] = driver.records('orders')
  expect(await codec.decode(order!.key!)).toEqual({ shop: 'berlin', number: 7 })
  expect(tombstone!.key).toEqual(order!.key)
  expect(tombstone!.value).toBeNull()
})

test('a key of one call is written by the schema too, and null is still no key', async () => {
  const driver = createMemoryDriver()
  await using messaging = createMessaging({ driver }, {})
  await messaging.registry.send(OrderPlaced, { shop: 'berlin', number: 7 }, { key: { shop: 'paris', number: 1 } })
  await messaging.registry.send(OrderPlaced, { shop: 'berlin', number: 7 }, { key: null })
  const codec = await createAvroCodec({ manifest: 'reader', schema: keySchema, subject: 'any', schemaRegistry })
  const keys = driver.records('orders').map(({ key }) => key)
  expect(keys.filter((key) => key === null)).toHaveLength(1)
  expect(await codec.decode(keys.find((key) => key !== null)!)).toEqual({ shop: 'paris', number: 1 })
})

test('a key that does not fit says so by path, and names the key', async () => {
  await using messaging = createMessaging({ driver: createMemoryDriver() }, {})
  const sent = messaging.registry.send(
    OrderPlaced,
    { shop: 'berlin', number: 1.5 },
    { key: { shop: 'berlin', number: 1.5 } },
  )
  await expect(sent).rejects.toMatchObject({
    code: 'PAYLOAD_INVALID',
    manifest: 'OrderPlaced',
    message: 'Payload of OrderPlaced (its key) at $.number: expected int, got a number that is not an integer.',
  })
})

test('without a schema an object is no key', async () => {
  class Plain extends ProducerManifest<Order> {
    topic = 'plain'
    override key(order: Order) {
      return { ...order }
    }
  }
  await using messaging = createMessaging({ driver: createMemoryDriver() }, {})
  await expect(messaging.registry.send(Plain, { shop: 'a', number: 1 })).rejects.toMatchObject({ code: 'KEY_INVALID' })
})

test('a key schema that is none is refused by its attribute', async () => {
  class Wrong extends ProducerManifest<Order> {
    topic = 'wrong'
    override readonly keySchema = 5 as never
  }
  await using messaging = createMessaging({ driver: createMemoryDriver() }, {})
  await expect(messaging.registry.send(Wrong, { shop: 'a', number: 1 })).rejects.toThrow(
    /Wrong: keySchema must be an Avro schema/,
  )
})
