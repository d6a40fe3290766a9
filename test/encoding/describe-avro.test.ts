import { expect, test } from 'vitest'
import type { AvroSchema } from '../../src/encoding/avsc-module.ts'
import { describeAvroType, describeAvroValue } from '../../src/encoding/describe-avro.ts'
import { parseAvro } from './parse-avro.ts'

test.each<[AvroSchema, unknown, string, string]>([
  ['int', 2 ** 31, 'int', 'a number out of range'],
  ['int', 1.5, 'int', 'a number that is not an integer'],
  [['null', 'string'], 5, 'null or string', 'number'],
  [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'C', 'one of A, B', 'another string'],
  [{ type: 'fixed', name: 'F', size: 4 }, null, '4 bytes', 'null'],
  [{ type: 'record', name: 'a.R', fields: [] }, [], 'record a.R', 'array'],
  [{ type: 'int', logicalType: 'date' }, 'x', 'date as string (YYYY-MM-DD)', 'another string'],
])('%j and %j', async (schema, value, expected, actual) => {
  const type = await parseAvro(schema)
  expect(describeAvroType(type)).toBe(expected)
  expect(describeAvroValue(value, type)).toBe(actual)
})

test('a long as bigint', async () => {
  const type = await parseAvro('long', 'bigint')
  expect([describeAvroType(type), describeAvroValue(2n ** 64n, type)]).toEqual([
    'long as bigint',
    'a bigint out of range',
  ])
})
