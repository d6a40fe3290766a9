import { expect, test } from 'vitest'
import { producerFields } from '../../src/config/fields.ts'
import { ProducerManifest, type ProducerManifestClass } from '../../src/factory/producer-manifest.ts'
import { readManifest } from '../../src/factory/read-manifest.ts'
import { catchError } from '../catch-error.ts'

/** A class with the given attributes, whatever their types. */
function declare(attributes: object): ProducerManifestClass {
  class Declared extends ProducerManifest {
    topic = 'orders'
    constructor() {
      super()
      Object.assign(this, attributes)
    }
  }
  return Declared
}

test('a manifest is read with its defaults: JSON without a schema, Avro with one', () => {
  expect(readManifest(declare({}))).toMatchObject({
    name: 'Declared',
    topic: 'orders',
    codec: 'json',
    schema: undefined,
    topicConfig: {},
    attributes: {},
  })
  expect(readManifest(declare({ schema: 'x' })).codec).toBe('avro')
  expect(readManifest(declare({ schema: {}, codec: 'json' })).codec).toBe('json')
})

test('nothing is made at declaration, and one instance at each reading', () => {
  let made = 0
  class Lazy extends ProducerManifest {
    readonly topic = 'x'
    readonly number = ++made
  }
  expect(made).toBe(0)
  expect(readManifest(Lazy).instance).toMatchObject({ number: 1 })
  expect(made).toBe(1)
})

test('every producer field but the topic can be an attribute; other attributes are the manifest’s own', () => {
  const names = Object.keys(producerFields).filter((name) => name !== 'topic')
  const values = Object.fromEntries(names.map((name, index) => [name, index]))
  expect(readManifest(declare({ ...values, own: 1, acks: undefined })).attributes).toEqual(
    Object.fromEntries(Object.entries(values).filter(([name]) => name !== 'acks')),
  )
})

const throwing = { name: 'own', encode: () => Buffer.alloc(0), decode: () => undefined }
test('a codec object is taken as it is', () => {
  expect(readManifest(declare({ codec: throwing })).codec).toBe(throwing)
})

test.each<[attributes: object, message: string]>([
  [{ topic: undefined }, 'topic must be a string or a function of the environment, not undefined.'],
  [{ topic: 5 }, 'topic must be a string or a function of the environment, not number.'],
  [{ schema: 5 }, 'schema must be an Avro schema as object or JSON text, not number.'],
  [{ schema: null }, 'schema must be an Avro schema as object or JSON text, not null.'],
  [
    { codec: 'protobuf' },
    'codec must be one of avro, avro-single-object, json, string, bytes, or an object with encode and decode.',
  ],
  [{ codec: {} }, 'codec must be one of avro, avro-single-object'],
  [{ codec: null }, 'codec must be one of avro, avro-single-object'],
  [{ codec: 'avro' }, 'schema is missing, and codec is avro.'],
  [{ key: 'id' }, 'key must be a method, not string.'],
  [{ headers: {} }, 'headers must be a method, not object.'],
  [{ partition: 0 }, 'partition must be a method, not number.'],
  [{ timestamp: 0 }, 'timestamp must be a method, not number.'],
  [{ prepare: null }, 'prepare must be a method, not null.'],
  [{ subject: 'orders' }, 'subject must be a method, not string.'],
  [{ schemaRegistry: 'http://localhost' }, 'schemaRegistry must be an object with register and getById'],
  [{ schemaRegistry: null }, 'schemaRegistry must be an object with register and getById'],
  [{ references: {} }, 'references must be a list of Avro schemas, not object.'],
  [{ references: ['"int"', null] }, 'references[1] must be an Avro schema as object or JSON text, not null.'],
  [{ writerSchemas: [5] }, 'writerSchemas[0] must be an Avro schema as object or JSON text, not number.'],
  [{ longs: 'string' }, "longs must be 'number' or 'bigint', not string."],
  [{ topicConfig: null }, 'topicConfig must be an object.'],
  [{ topicConfig: { partition: 3 } }, 'topicConfig.partition is not known; known are partitions, replicationFactor'],
  [{ topicConfig: { partitions: 0 } }, 'topicConfig.partitions must be an integer from 1.'],
  [{ topicConfig: { replicationFactor: '3' } }, 'topicConfig.replicationFactor must be an integer from 1.'],
  [{ topicConfig: { config: null } }, 'topicConfig.config must be an object.'],
  [{ topicConfig: { config: { a: {} } } }, "topicConfig.config['a'] must be a string, number or boolean, not object."],
])('%o is refused', (attributes, message) => {
  const error = catchError(() => readManifest(declare(attributes)))
  expect(error).toMatchObject({ code: 'MANIFEST_INVALID', manifest: 'Declared', outcome: 'not_sent' })
  expect(error.message).toContain(`Manifest Declared: ${message}`)
})

test('a constructor that throws is named, with what it threw', () => {
  const cause = new Error('no')
  class Failing extends ProducerManifest {
    readonly topic = 'x'
    constructor() {
      super()
      throw cause
    }
  }
  const error = catchError(() => readManifest(Failing))
  expect(error).toMatchObject({ code: 'MANIFEST_INVALID', cause })
  expect(error.message).toBe('Manifest Failing: constructor threw when the instance was made.')
})

test.each(['', 'a.b', 'a b', 'ä'])('%j is no name, since config could not reach it', (manifestName) => {
  const Manifest = Object.assign(declare({}), { manifestName })
  expect(catchError(() => readManifest(Manifest)).message).toContain('manifestName must be letters, digits')
})
