import { expect, test } from 'vitest'
import { linkReferences, schemaNameOf, type ReferencedSchema } from '../../src/encoding/schema-references.ts'
import { catchError } from '../catch-error.ts'

const record = (name: string, fields: Record<string, unknown>): object => ({
  name,
  namespace: 'shop',
  type: 'record',
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
})
const city = record('City', { name: 'string' })
const address = record('Address', { city: 'City' })
const order = record('Order', { from: 'shop.Address', to: ['null', 'Address'], via: 'City' })

test('what a schema uses is found by name, through others too, in any order', () => {
  const { text, references, complete } = linkReferences(order, [address, city, record('Unused', {})], 'orders-value')
  expect(text).toBe(JSON.stringify(order))
  const cityReference = { name: 'shop.City', subject: 'shop.City', schema: JSON.stringify(city), references: [] }
  expect(references).toEqual([
    { name: 'shop.Address', subject: 'shop.Address', schema: JSON.stringify(address), references: [cityReference] },
    cityReference,
  ])
  const [from, to, via] = (JSON.parse(complete) as { fields: { type: unknown }[] }).fields
  expect(from!.type).toMatchObject({ name: 'Address', fields: [{ name: 'city', type: { name: 'City' } }] })
  expect([to!.type, via!.type]).toEqual([['null', 'shop.Address'], 'shop.City'])
})

test('a referenced schema may have a subject of its own, and be text', () => {
  const given = [{ subject: 'places', schema: JSON.stringify(city) }]
  expect(linkReferences(record('Order', { at: 'City' }), given, 'a').references).toMatchObject([
    { name: 'shop.City', subject: 'places' },
  ])
})

test('a name that the schema defines itself is not taken from elsewhere', () => {
  const own = record('Order', { at: record('City', {}), to: 'City' })
  expect(linkReferences(own, [city], 'a').references).toEqual([])
})

test.each<[string, ReferencedSchema[], RegExp]>([
  ['no name', [{ type: 'array', items: 'string' }], /of orders-value .*reference without a name/],
  ['the name of another', [city, { ...city, doc: 'again' }], /two references with the name shop\.City/],
  ['no JSON', ['{nonsense'], /a reference of orders-value/],
  [
    'a circle',
    [record('Address', { city: 'City' }), record('City', { main: 'Address' })],
    /of shop\.Address .*refers to itself, through shop\.Address, shop\.City/,
  ],
])('a reference with %s is refused', (_, references, message) => {
  const error = catchError(() =>
    linkReferences(record('Order', { to: 'Address', at: 'City' }), references, 'orders-value'),
  )
  expect(error).toMatchObject({ code: 'SCHEMA_INVALID', message: expect.stringMatching(message) })
})

test('a schema that is no JSON is refused under its subject', () => {
  expect(catchError(() => linkReferences('{nonsense', [], 'orders-value'))).toMatchObject({
    code: 'SCHEMA_INVALID',
    message: expect.stringContaining('orders-value'),
  })
})

test.each<[string | object, string | undefined]>([
  [city, 'shop.City'],
  [{ ...city, name: 'a.City' }, 'a.City'],
  [{ ...city, namespace: '' }, 'City'],
  [{ ...city, namespace: undefined }, 'City'],
  [JSON.stringify(city), 'shop.City'],
  ['"string"', undefined],
  ['null', undefined],
  ['{nonsense', undefined],
  [{ type: 'map', values: 'int' }, undefined],
])('the full name of %j is %s', (schema, name) => {
  expect(schemaNameOf(schema)).toBe(name)
})
