import { describe, expect, test } from 'vitest'
import { createAvroDecoder } from '../../src/encoding/avro-codec.ts'
import type { AvroSchema } from '../../src/encoding/avsc-module.ts'
import { defaultDecodeLimits } from '../../src/encoding/decode-guard.ts'
import { catchError } from '../catch-error.ts'
import { parseAvro, pass } from './parse-avro.ts'

const record = (name: string, ...types: unknown[]): object => ({
  type: 'record',
  name,
  fields: types.map((type, index) => ({ name: `f${index}`, type })),
})
const array = (items: unknown): object => ({ type: 'array', items })
const decode = async (schema: AvroSchema, bytes: readonly number[], limits: object): Promise<unknown> => {
  const type = await parseAvro(schema)
  return createAvroDecoder<unknown>(type, type, { ...defaultDecodeLimits, ...limits })(Buffer.from(bytes), 0)
}

describe('values that take no bytes', () => {
  const three = [6, 0]

  test.each<[string, items: unknown, values: number]>([
    ['null', 'null', 3],
    ['a fixed of size 0', { type: 'fixed', name: 'F', size: 0 }, 3],
    ['an empty record', record('R'), 3],
    ['a record of nulls', record('R', 'null', 'null'), 9],
    ['records in a record', record('R', record('S', 'null'), 'S'), 15],
  ])('%s', async (_, items, values) => {
    expect(await decode(array(items), three, { maxEmptyItems: values })).toHaveLength(3)
    await expect(decode(array(items), three, { maxEmptyItems: values - 1 })).rejects.toThrow('maxEmptyItems')
  })

  test.each([
    ['a union', ['null']],
    ['an array', array('null')],
    ['a map', { type: 'map', values: 'null' }],
    ['a record with one of these', record('R', 'null', array('null'))],
    ['a record that is still being made', record('R', array('R'))],
  ])('%s does take some', async (_, items) => {
    await expect(decode(array(items), three, {})).rejects.toThrow('claims 3 items')
  })

  test('records that double on each level do not take long to make', async () => {
    let items: unknown = record('R0', 'null')
    for (let level = 1; level < 200; level++) items = record(`R${level}`, items, `R${level - 1}`)
    await expect(decode(array(items), [2, 0], {})).rejects.toThrow('maxEmptyItems')
  })
})

describe('levels are counted', () => {
  test.each<[string, AvroSchema, bytes: number[]]>([
    ['in a list', record('R', ['null', 'R']), [2, 2, 0]],
    ['in a list whose record has a namespace', { ...record('R', ['null', 'a.R']), namespace: 'a' }, [2, 2, 0]],
    ['through an array', record('R', array('R')), [2, 2, 0, 0, 0]],
    ['through a map', record('R', { type: 'map', values: 'R' }), [2, 0, 2, 0, 0, 0, 0]],
    ['through another record', record('R', record('S', ['null', 'R'])), [2, 2, 0]],
    ['inside of a record', record('Outer', record('R', ['null', 'R'])), [2, 2, 0]],
  ])('%s', async (_, schema, bytes) => {
    await expect(decode(schema, bytes, { maxDepth: 2 })).resolves.toBeDefined()
    await expect(decode(schema, bytes, { maxDepth: 1 })).rejects.toThrow('maxDepth')
  })

  test('of what holds it, not of what stands beside it', async () => {
    const leaf = { f0: [] }
    expect(await decode(record('R', array('R')), [6, 0, 0, 0, 0], { maxDepth: 1 })).toEqual({ f0: [leaf, leaf, leaf] })
  })

  test('only where a record holds its own kind', async () => {
    const schema = record('R', record('S', array(array(['null', 'int']))), 'S')
    expect(await decode(schema, [2, 2, 2, 2, 0, 0, 0], { maxDepth: 0 })).toEqual({ f0: { f0: [[1]] }, f1: { f0: [] } })
  })
})

test('an array in several blocks is one array', async () => {
  expect(await decode(array('int'), [4, 2, 4, 2, 6, 0], {})).toEqual([1, 2, 3])
})

test('a map keeps the key __proto__, also when resolved', async () => {
  const value = JSON.parse('{ "__proto__": 1, "a": 2 }') as unknown
  const schema = { type: 'map', values: 'int' }
  expect(Object.entries((await pass(value, schema, { ...schema })) as object)).toEqual([
    ['__proto__', 1],
    ['a', 2],
  ])
})

test('resolved items count as those of the writer', async () => {
  const writer = await parseAvro(array(record('R')))
  const reader = await parseAvro(array({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'int', default: 1 }] }))
  const resolve = createAvroDecoder(writer, reader)
  expect(resolve(Buffer.from([4, 0]), 0)).toEqual([{ a: 1 }, { a: 1 }])
  expect(catchError(() => resolve(Buffer.from([0x80, 0x80, 0x10, 0]), 0)).message).toContain('maxEmptyItems')
})
