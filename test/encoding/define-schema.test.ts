import { expect, expectTypeOf, test } from 'vitest'
import { defineSchema, type FromSchema } from '../../src/encoding/define-schema.ts'
import { ProducerManifest } from '../../src/factory/producer-manifest.ts'
import { pass } from './parse-avro.ts'

const orderSchema = defineSchema({
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'count', type: 'int', default: 1 },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] } },
    { name: 'before', type: ['null', 'State'] },
    {
      name: 'lines',
      type: { type: 'array', items: { type: 'record', name: 'Line', fields: [{ name: 'price', type: 'double' }] } },
    },
    { name: 'labels', type: { type: 'map', values: 'boolean' } },
    { name: 'parent', type: ['null', 'Order'] },
    { name: 'either', type: ['null', 'int', 'double'] },
    { name: 'which', type: ['Line', { type: 'map', values: 'long' }] },
  ],
})
type Order = FromSchema<typeof orderSchema>

test('the payload of a schema is inferred, and is what the codec writes and reads', async () => {
  expectTypeOf<Order['id']>().toEqualTypeOf<string>()
  expectTypeOf<Order['at']>().toEqualTypeOf<Date>()
  expectTypeOf<Order['count']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<Order['state']>().toEqualTypeOf<'OPEN' | 'PAID'>()
  expectTypeOf<Order['before']>().toEqualTypeOf<'OPEN' | 'PAID' | null>()
  expectTypeOf<Order['lines']>().toEqualTypeOf<{ price: number }[]>()
  expectTypeOf<Order['labels']>().toEqualTypeOf<{ [key: string]: boolean }>()
  expectTypeOf<Order['either']>().toEqualTypeOf<{ int: number } | { double: number } | null>()
  expectTypeOf<Order['which']>().toEqualTypeOf<
    { 'shop.Line': { price: number } } | { map: { [key: string]: number } }
  >()
  expectTypeOf<Order['parent']>().toEqualTypeOf<Order | null>()

  const leaf: Order = {
    id: '123e4567-e89b-42d3-a456-426614174000',
    amount: '12.50',
    at: new Date(5),
    state: 'OPEN',
    before: null,
    lines: [{ price: 1 }],
    labels: { gift: true },
    parent: null,
    either: { double: 1.5 },
    which: { 'shop.Line': { price: 2 } },
  }
  const defaults = { count: 1, note: null }
  const order = { ...leaf, parent: leaf, before: 'PAID' } satisfies Order
  expect(await pass(order, orderSchema)).toEqual({ ...order, ...defaults, parent: { ...leaf, ...defaults } })
})

test('a wrong payload does not compile', () => {
  const wrong = (_: Order): void => undefined
  // @ts-expect-error -- a number is no decimal
  wrong({ amount: 12.5 })
  // @ts-expect-error -- fields are missing
  wrong({})
  // @ts-expect-error -- no such symbol
  expectTypeOf<Order['state']>().toEqualTypeOf<'OPEN' | 'PAID' | 'LOST'>()
  // @ts-expect-error -- the union is ambiguous, so its branch must be named
  const either: Order['either'] = 5
  expect(either).toBe(5)
})

test('a manifest takes it as its payload', () => {
  class OrderPlaced extends ProducerManifest<Order> {
    topic = 'orders'
    override readonly schema = orderSchema
    override key(order: Order) {
      return order.id
    }
  }
  expect(new OrderPlaced().schema).toBe(orderSchema)
})

test('primitives, names across namespaces, and longs as bigints', () => {
  expectTypeOf<FromSchema<'string'>>().toEqualTypeOf<string>()
  expectTypeOf<FromSchema<{ readonly type: 'long' }, 'bigint'>>().toEqualTypeOf<bigint>()
  expectTypeOf<FromSchema<readonly ['int', 'long'], 'bigint'>>().toEqualTypeOf<number | bigint>()
  expectTypeOf<FromSchema<readonly ['int', 'long']>>().toEqualTypeOf<{ int: number } | { long: number }>()
  const schema = defineSchema([
    { type: 'fixed', name: 'a.b.Hash', size: 4 },
    {
      type: 'record',
      name: 'a.b.R',
      fields: [
        { name: 'hash', type: 'Hash' },
        { name: 'same', type: 'a.b.Hash' },
      ],
    },
  ])
  expectTypeOf<FromSchema<typeof schema>>().toEqualTypeOf<Buffer | { hash: Buffer; same: Buffer }>()
  expect(schema[0].name).toBe('a.b.Hash')
})

test('types of other schemas are known by name where these are given', () => {
  const city = defineSchema({ type: 'enum', name: 'City', namespace: 'geo', symbols: ['ROM', 'OSLO'] })
  const address = defineSchema({
    type: 'record',
    name: 'geo.Address',
    fields: [{ name: 'city', type: 'City' }],
  })
  const parcel = defineSchema({
    type: 'record',
    name: 'Parcel',
    fields: [
      { name: 'to', type: ['null', 'geo.Address'] },
      { name: 'via', type: { type: 'array', items: 'geo.City' } },
    ],
  })
  const references = [address, { subject: 'cities', schema: city }] as const
  type Parcel = FromSchema<typeof parcel, 'number', typeof references>
  expectTypeOf<Parcel>().toEqualTypeOf<{ to: { city: 'ROM' | 'OSLO' } | null; via: ('ROM' | 'OSLO')[] }>()
  expectTypeOf<FromSchema<typeof parcel>['via']>().toEqualTypeOf<unknown[]>()
  class ParcelSent extends ProducerManifest<Parcel> {
    readonly topic = 'parcels'
    override readonly schema = parcel
    override readonly references = references
  }
  expect(new ParcelSent().references).toBe(references)
})
