import * as fc from '../fast-check.ts'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createAvroCodec, type AvroSchema } from '../../src/encoding/avro-codec.ts'
import type { Codec } from '../../src/encoding/codec.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { createJsonCodec } from '../../src/encoding/json-codec.ts'
import type { SchemaRegistry } from '../../src/encoding/schema-registry.ts'
import { readSchemaId, writeWireHeader } from '../../src/encoding/wire-format.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { catchError, catchRejection } from '../catch-error.ts'

const create = (schema: AvroSchema, schemaRegistry = createEmbeddedSchemaRegistry()): Promise<Codec> =>
  createAvroCodec({ manifest: 'OrderPlaced', schema, subject: 'orders-value', schemaRegistry })

const orderSchema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'count', type: 'int', default: 1 },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] } },
    { name: 'hash', type: ['null', { type: 'fixed', name: 'Hash', size: 4 }], default: null },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Line', fields: [{ name: 'price', type: 'double' }] },
      },
    },
    { name: 'labels', type: { type: 'map', values: 'boolean' } },
  ],
} as const

const order = {
  id: 'o-1',
  amount: 5,
  count: 2,
  note: 'fragile',
  state: 'OPEN',
  hash: Buffer.from('abcd'),
  lines: [{ price: 1.5 }, { price: 2 }],
  labels: { gift: true },
}

describe('encoding', () => {
  test('a payload comes back as it was', async () => {
    const codec = await create(orderSchema)
    expect(await codec.decode(codec.encode(order))).toEqual(order)
  })

  test('any payload of the schema comes back as it was', async () => {
    const codec = await create(orderSchema)
    const payload = fc.record({
      id: fc.string({ unit: 'grapheme' }),
      amount: fc.maxSafeInteger(),
      count: fc.integer(),
      note: fc.option(fc.string()),
      state: fc.constantFrom('OPEN', 'PAID'),
      hash: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes))),
      lines: fc.array(fc.record({ price: fc.double({ noNaN: true }) }, { noNullPrototype: true })),
      labels: fc.dictionary(fc.string(), fc.boolean(), { noNullPrototype: true }),
    })
    await fc.assert(
      fc.asyncProperty(payload, async (value) => {
        const decoded = (await codec.decode(codec.encode(value))) as typeof value
        expect({ ...decoded, lines: decoded.lines.map(({ price }) => ({ price })) }).toEqual(value)
      }),
    )
  })

  test('the bytes carry the id under which the schema is registered', async () => {
    const schemaRegistry = createEmbeddedSchemaRegistry()
    const codec = await create(orderSchema, schemaRegistry)
    const registered = await schemaRegistry.getById(readSchemaId(codec.encode(order)))
    expect(JSON.parse(registered), 'as its author wrote it').toEqual(orderSchema)
  })

  test('the schema may be JSON text', async () => {
    const codec = await create(JSON.stringify(orderSchema))
    expect(await codec.decode(codec.encode(order))).toEqual(order)
  })

  test('a field left out takes the default of the schema', async () => {
    const codec = await create(orderSchema)
    const { count: _, note: __, hash: ___, ...required } = order
    expect(await codec.decode(codec.encode(required))).toMatchObject({ count: 1, note: null, hash: null })
  })

  test('a payload larger than the scratch buffer is written whole, and small ones after it too', async () => {
    const codec = await create({ type: 'array', items: 'string' })
    for (const size of [100_000, 1, 3_000_000, 10]) {
      const payload = ['x'.repeat(size), 'end']
      expect(await codec.decode(Buffer.from(codec.encode(payload)))).toEqual(payload)
    }
  })

  test('two codecs share the scratch buffer: the bytes hold until the next call, each with its own id', async () => {
    const [texts, numbers] = [await create({ type: 'string' }), await create({ type: 'long' })]
    const first = texts.encode('first')
    const copy = Buffer.from(first)
    const second = numbers.encode(7)
    expect(second.buffer).toBe(first.buffer)
    expect(first.equals(copy)).toBe(false)
    expect(await texts.decode(copy)).toBe('first')
    expect(await numbers.decode(second)).toBe(7)
    expect(readSchemaId(copy)).not.toBe(readSchemaId(second))
  })

  test('a codec without scratch buffer in between does no harm', async () => {
    const codec = await create({ type: 'string' })
    const bytes = codec.encode('kept')
    createJsonCodec('Other').encode({ a: 1 })
    expect(await codec.decode(bytes)).toBe('kept')
  })

  test('a failed payload leaves nothing behind that the next one would carry', async () => {
    const codec = await create(orderSchema)
    const good = Buffer.from(codec.encode(order))
    catchError(() => codec.encode({ ...order, labels: { gift: 'no' } }))
    expect(codec.encode(order)).toEqual(good)
  })
})

describe('a payload that does not fit is named by path, expected and actual type, never by its value', () => {
  const canary = 'canary-66'
  test.each<[change: object, path: string, expected: string, actual: string]>([
    [{ id: 5 }, '$.id', 'string', 'number'],
    [{ id: undefined }, '$.id', 'string', 'undefined'],
    [{ id: null }, '$.id', 'string', 'null'],
    [{ id: { constructor: { name: canary } } }, '$.id', 'string', 'object'],
    [{ amount: canary }, '$.amount', 'long', 'string'],
    [{ amount: 1.5 }, '$.amount', 'long', 'a number that is not an integer'],
    [{ amount: Number.NaN }, '$.amount', 'long', 'a number that is not an integer'],
    [{ amount: 2 ** 53 }, '$.amount', 'long', 'a number out of range'],
    [{ amount: 5n }, '$.amount', 'long', 'bigint'],
    [{ count: 2 ** 31 }, '$.count', 'int', 'a number out of range'],
    [{ note: 5 }, '$.note', 'null or string', 'number'],
    [{ state: canary }, '$.state', 'one of OPEN, PAID', 'another string'],
    [{ hash: Buffer.from(canary) }, '$.hash', '4 bytes', 'Buffer'],
    [{ lines: [{ price: 1 }, { price: canary }] }, '$.lines.1.price', 'double', 'string'],
    [{ lines: { 0: { price: 1 } } }, '$.lines', 'array', 'object'],
    [{ lines: [null] }, '$.lines.0', 'record shop.Line', 'null'],
    [{ labels: { gift: canary } }, '$.labels.gift', 'boolean', 'string'],
  ])('%o', async (change, path, expected, actual) => {
    const codec = await create(orderSchema)
    const error = catchError(() => codec.encode({ ...order, ...change }))
    expect(error).toMatchObject({ code: 'PAYLOAD_INVALID', manifest: 'OrderPlaced', outcome: 'not_sent' })
    expect(error.message).toBe(`Payload of OrderPlaced at ${path}: expected ${expected}, got ${actual}.`)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary)
  })

  test.each([null, 5, 'text'])('nor is %o a record', async (payload) => {
    const codec = await create(orderSchema)
    expect(catchError(() => codec.encode(payload)).message).toContain('at $: expected record shop.Order, got ')
  })

  test('the path goes into the branch of a union, too', async () => {
    const codec = await create({
      type: 'record',
      name: 'Box',
      fields: [{ name: 'inner', type: ['null', { type: 'record', name: 'In', fields: [{ name: 'a', type: 'int' }] }] }],
    })
    const error = catchError(() => codec.encode({ inner: { a: canary } }))
    expect(error.message).toMatch(/at \$\.inner(\.a)?: expected .*, got (string|object)\./)
    expect(inspect(error)).not.toContain(canary)
  })
})

describe('a schema that is none', () => {
  test.each<AvroSchema>(['{', { type: 'rekord' }, { type: 'record', name: 'A' }, 'nosuchtype'])(
    '%j',
    async (schema) => {
      const error = await catchRejection(create(schema))
      expect(error.code).toBe('SCHEMA_INVALID')
      expect(error.message).toContain('Schema of orders-value is not valid Avro')
    },
  )

  test('the failure of the schema registry is the failure of the codec', async () => {
    const down = new MessagingError('SCHEMA_INVALID', { subject: 'orders-value', reason: 'taken' })
    const schemaRegistry: SchemaRegistry = {
      register: () => Promise.reject(down),
      getById: () => Promise.reject(down),
    }
    expect(await catchRejection(create(orderSchema, schemaRegistry))).toBe(down)
  })
})

describe('decoding', () => {
  test('bytes of the own schema need no lookup and no promise', async () => {
    const codec = await create({ type: 'string' })
    expect(codec.decode(codec.encode('x'))).toBe('x')
  })

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1), 'the body ends too early'],
    ['without a body', (bytes: Buffer) => bytes.subarray(0, 5), 'the body ends too early'],
    ['followed by two more', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(2)]), '2 bytes are left over'],
    ['cut off in the header', (bytes: Buffer) => bytes.subarray(0, 3), '3 bytes are too few'],
    ['of another format', (bytes: Buffer) => Buffer.concat([Buffer.from([9]), bytes]), 'the first byte is 9, not 0'],
  ])('bytes %s are refused', async (_, change, reason) => {
    const codec = await create(orderSchema)
    const bytes = Buffer.from(codec.encode(order))
    const error = catchError(() => codec.decode(change(bytes)))
    expect(error.code).toBe('PAYLOAD_UNDECODABLE')
    expect(error.message).toContain(reason)
  })

  test('bytes that contradict the schema are refused without being quoted', async () => {
    const codec = await create({ type: 'enum', name: 'E', symbols: ['A'] })
    const bytes = Buffer.from(codec.encode('A'))
    bytes[5] = 40
    const error = catchError(() => codec.decode(bytes))
    expect(error.message).toBe('Bytes are not a valid Avro message: the body does not fit the schema.')
  })

  test('whatever the bytes, there is a value or a PAYLOAD_UNDECODABLE', async () => {
    const codec = await create({ type: 'string' })
    const header = Buffer.from(codec.encode('')).subarray(0, 5)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (body) => {
        const bytes = Buffer.concat([header, body])
        let decoded: unknown
        try {
          decoded = codec.decode(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'PAYLOAD_UNDECODABLE' })
          return
        }
        expect(decoded).toBeTypeOf('string')
      }),
    )
  })

  describe('what another schema has written', () => {
    const older = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] } as const
    const newer = {
      ...older,
      fields: [...older.fields, { name: 'currency', type: 'string', default: 'EUR' }],
    }

    /** A schema registry that counts, and answers when it is told to. */
    function createSlowRegistry() {
      const embedded = createEmbeddedSchemaRegistry()
      const lookups: number[] = []
      let answer = Promise.resolve()
      const schemaRegistry: SchemaRegistry = {
        register: (subject, schema) => embedded.register(subject, schema),
        getById: async (id) => {
          lookups.push(id)
          await answer
          return embedded.getById(id)
        },
      }
      const hold = (): (() => void) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        answer = promise
        return resolve
      }
      return { schemaRegistry, lookups, hold }
    }

    test('is read as ours: a field added since takes its default, one dropped since is passed over', async () => {
      const { schemaRegistry } = createSlowRegistry()
      const [past, present] = [await create(older, schemaRegistry), await create(newer, schemaRegistry)]
      expect(await present.decode(Buffer.from(past.encode({ id: 'o-1' })))).toEqual({ id: 'o-1', currency: 'EUR' })
      const bytes = Buffer.from(present.encode({ id: 'o-1', currency: 'CHF' }))
      expect(await past.decode(bytes)).toEqual({ id: 'o-1' })
    })

    test('looks its schema up once for all who wait, and never again', async () => {
      const { schemaRegistry, lookups, hold } = createSlowRegistry()
      const [past, present] = [await create(older, schemaRegistry), await create(newer, schemaRegistry)]
      const bytes = Buffer.from(past.encode({ id: 'o-1' }))
      const answer = hold()
      const waiting = [present.decode(bytes), present.decode(bytes), present.decode(bytes)]
      answer()
      expect(await Promise.all(waiting)).toEqual(waiting.map(() => ({ id: 'o-1', currency: 'EUR' })))
      expect(present.decode(bytes), 'known now, so no promise').toEqual({ id: 'o-1', currency: 'EUR' })
      expect(lookups).toHaveLength(1)
    })

    test('fails for all who wait when the id is unknown, and is looked up again next time', async () => {
      const { schemaRegistry, lookups } = createSlowRegistry()
      const codec = await create(older, schemaRegistry)
      const bytes = Buffer.alloc(6)
      writeWireHeader(bytes, 77)
      const errors = await Promise.all(
        [codec.decode(bytes), codec.decode(bytes)].map((promise) => catchRejection(promise as Promise<unknown>)),
      )
      expect(errors.map(({ code }) => code)).toEqual(['SCHEMA_NOT_FOUND', 'SCHEMA_NOT_FOUND'])
      expect(lookups).toEqual([77])
      await catchRejection(codec.decode(bytes) as Promise<unknown>)
      expect(lookups).toEqual([77, 77])
    })

    test('is refused where it cannot be read as ours', async () => {
      const { schemaRegistry } = createSlowRegistry()
      const [texts, numbers] = [
        await create({ type: 'string' }, schemaRegistry),
        await create({ type: 'long' }, schemaRegistry),
      ]
      const error = await catchRejection(numbers.decode(Buffer.from(texts.encode('x'))) as Promise<unknown>)
      expect(error.code).toBe('PAYLOAD_UNDECODABLE')
      expect(error.message).toContain("the writer's schema cannot be read as the reader's")
    })
  })
})
