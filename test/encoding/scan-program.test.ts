import { describe, expect, test } from 'vitest'
import type { AvroSchema } from '../../src/encoding/avsc-module.ts'
import { compileScan, op } from '../../src/encoding/scan-program.ts'
import { parseAvro } from './parse-avro.ts'

const record = (name: string, ...types: unknown[]): AvroSchema => ({
  type: 'record',
  name,
  fields: types.map((type, index) => ({ name: `f${index}`, type })),
})
const compile = async (schema: AvroSchema): Promise<number[][]> =>
  compileScan(await parseAvro(schema)).map((program) => [...program])

describe('what needs no scan has no program', () => {
  test.each<AvroSchema>([
    'string',
    record('R', 'int', 'bytes', ['null', record('S', 'double')]),
    record('R', record('S', 'int'), 'S', { type: 'enum', name: 'E', symbols: ['A'] }),
    { type: 'long', logicalType: 'timestamp-millis' },
  ])('%j', async (schema) => expect(await compile(schema)).toEqual([]))
})

test('neighbours are put together, and what comes after the last collection is left out', async () => {
  const items = { type: 'array', items: 'double' }
  const schema = record('R', 'string', 'string', 'int', 'long', 'float', 'boolean', items, 'string', ['null', 'int'])
  expect(await compile(schema)).toEqual([[op.lengths, 2, op.varints, 2, op.skip, 5, op.fixedItems, 8, 1]])
})

test('items of varying size have a program and a least size', async () => {
  expect(await compile({ type: 'array', items: record('R', 'string', 'double') })).toEqual([
    [op.items, 1, 9],
    [op.lengths, 1, op.skip, 8],
  ])
  expect(await compile({ type: 'map', values: 'null' })).toEqual([
    [op.items, 1, 1],
    [op.lengths, 1],
  ])
})

test('empty items know how many values they are', async () => {
  expect(await compile({ type: 'array', items: record('R', 'null', record('S', 'null')) })).toEqual([
    [op.fixedItems, 0, 4],
  ])
})

test('a record used again is called, one step deeper', async () => {
  const item = record('Item', { type: 'array', items: 'null' })
  expect(await compile(record('R', item, 'Item'))).toEqual([
    [op.record, 1, op.record, 1],
    [op.fixedItems, 0, 1],
  ])
})

test('a recursive record calls itself', async () => {
  expect(await compile(record('Node', 'long', ['null', 'Node']))).toEqual([[op.varints, 1, op.union, 2, -1, 0]])
})

test('records that double on each level neither take long nor much', async () => {
  let schema: AvroSchema = record('R0', { type: 'array', items: 'null' })
  for (let level = 1; level < 40; level++) schema = record(`R${level}`, schema, `R${level - 1}`)
  const programs = await compile(schema)
  expect(programs.length).toBeLessThan(50)
})
