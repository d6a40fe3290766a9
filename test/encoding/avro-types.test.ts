import { describe, expect, test } from 'vitest'
import { loadAvroTypes } from '../../src/encoding/avro-types.ts'
import { catchError } from '../catch-error.ts'
import { parseAvro, pass } from './parse-avro.ts'

const named = (type: string, name: string, rest: object): object => ({ type, name, ...rest })
const point = named('record', 'Point', { fields: [{ name: 'x', type: 'int' }] })

describe('unions', () => {
  test.each<[unknown, unknown[]]>([
    [null, ['null', 'string']],
    ['a', ['null', 'string', 'long', 'boolean', 'bytes', { type: 'array', items: 'int' }, point]],
    [5, ['null', 'string', 'long', 'boolean']],
    [{ x: 1 }, ['null', 'string', point]],
    [[1], ['null', { type: 'array', items: 'int' }]],
  ])('%j is unwrapped in %j', async (value, schema) => {
    expect(await pass(value, schema)).toEqual(value)
  })

  test.each<[unknown, unknown[]]>([
    [{ int: 5 }, ['int', 'double']],
    [{ 'shop.E': 'A' }, ['string', named('enum', 'shop.E', { symbols: ['A'] })]],
    [{ string: '2026-01-01' }, ['string', { type: 'int', logicalType: 'date' }]],
    [{ long: new Date(5) }, [{ type: 'long', logicalType: 'timestamp-millis' }, point]],
    [{ map: { a: 1 } }, [{ type: 'map', values: 'int' }, point]],
  ])('%j names its branch, since a bare value would not tell', async (value, schema) => {
    expect(await pass(value, schema)).toEqual(value)
    const type = await parseAvro(schema)
    expect(type.isValid(Object.values(value as object)[0])).toBe(false)
  })

  test('a name that every object inherits is no branch', async () => {
    const type = await parseAvro(['int', 'double'])
    for (const name of ['toString', 'constructor', '__proto__']) {
      expect(type.isValid(JSON.parse(`{"${name}":1}`))).toBe(false)
    }
  })
})

test('a name that every object inherits is no symbol', async () => {
  const type = await parseAvro(named('enum', 'E', { symbols: ['A', 'B'] }))
  expect(['A', 'B', 'toString', 'constructor', '__proto__'].filter((symbol) => type.isValid(symbol))).toEqual([
    'A',
    'B',
  ])
})

test('a map keeps a key named __proto__ as a key', async () => {
  const value: unknown = JSON.parse('{"__proto__":{"polluted":1},"a":{"b":2}}')
  const read = (await pass(value, { type: 'map', values: { type: 'map', values: 'int' } })) as object
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  expect(Object.keys(read)).toEqual(['__proto__', 'a'])
})

test('a map in sized blocks is read', async () => {
  const type = await parseAvro({ type: 'map', values: 'int' })
  // Count -1, size 3: "a" -> 1; count 1: "b" -> 2; end.
  expect(type.fromBuffer(Buffer.from([1, 6, 2, 97, 2, 2, 2, 98, 4, 0]))).toEqual({ a: 1, b: 2 })
})

test('a type may be nested in another without need', async () => {
  expect(await pass('a', { type: { type: 'string' } })).toBe('a')
})

test('names refer to each other, recursively and across namespaces', async () => {
  const schema = named('record', 'a.Node', {
    fields: [
      { name: 'next', type: ['null', 'Node'], default: null },
      { name: 'kind', type: named('enum', 'Kind', { symbols: ['X'] }) },
      { name: 'other', type: 'a.Kind' },
    ],
  })
  const leaf = { next: null, kind: 'X', other: 'X' }
  expect(await pass({ ...leaf, next: leaf }, schema)).toEqual({ ...leaf, next: leaf })
})

test.each(['{', 'nosuch', '{"type":"enum","name":"E","symbols":[]}', '["int","int"]', 'null,'])(
  '%s is SCHEMA_INVALID',
  async (schema) => {
    const parse = await loadAvroTypes()
    expect(catchError(() => parse(schema, 'orders-value')).code).toBe('SCHEMA_INVALID')
  },
)
