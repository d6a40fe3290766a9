import { describe, expect, test } from 'vitest'
import { createAvroCodec, createAvroDecoder } from '../../src/encoding/avro-codec.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { createLogicalType, expectedOf, logicalShapeOf, logicalTypes } from '../../src/encoding/logical-types.ts'
import { catchError, catchRejection } from '../catch-error.ts'
import { cpuTimeMs } from '../cpu-time.ts'
import { parseAvro, pass } from './parse-avro.ts'

const decimal = { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }
const fixed = (logicalType: string, size: number, rest = {}): object => ({
  type: 'fixed',
  name: 'F',
  size,
  logicalType,
  ...rest,
})
const of = (type: string, logicalType: string): object => ({ type, logicalType })

describe.each<[schema: object, base: string | object, value: unknown, baseValue: unknown, bad: unknown[]]>([
  [decimal, 'bytes', '12.50', Buffer.from([4, 0xe2]), [12.5, '12.505', '12345.67', 'x']],
  [
    fixed('decimal', 4, { precision: 6, scale: 2 }),
    { type: 'fixed', name: 'F', size: 4 },
    '-0.01',
    Buffer.alloc(4, 0xff),
    [1],
  ],
  [
    of('string', 'uuid'),
    'string',
    '123e4567-e89b-42d3-a456-426614174000',
    '123e4567-e89b-42d3-a456-426614174000',
    ['x'],
  ],
  [
    fixed('uuid', 16),
    { type: 'fixed', name: 'F', size: 16 },
    '00000000-0000-0000-0000-000000000000',
    Buffer.alloc(16),
    ['x'],
  ],
  [of('int', 'date'), 'int', '1970-01-02', 1, [1, new Date(), '1970-02-30']],
  [of('int', 'time-millis'), 'int', 1, 1, [-1, 86_400_000, 1.5]],
  [of('long', 'time-micros'), 'long', 86_399_999_999, 86_399_999_999, [-1, 86_400_000_000, 1n]],
  [of('long', 'timestamp-millis'), 'long', new Date(-5), -5, [5, new Date(Number.NaN), '1970']],
  [of('long', 'timestamp-micros'), 'long', 5n, 5, [5, new Date()]],
  [of('long', 'timestamp-nanos'), 'long', -5n, -5, [5]],
  [of('long', 'local-timestamp-millis'), 'long', '1970-01-01T00:00:00.005', 5, [5, new Date()]],
  [of('long', 'local-timestamp-micros'), 'long', '1969-12-31T23:59:59.999995', -5, [5]],
  [of('long', 'local-timestamp-nanos'), 'long', '1970-01-01T00:00:00.000000005', 5, [5]],
  [
    fixed('duration', 12),
    { type: 'fixed', name: 'F', size: 12 },
    { months: 1, days: 2, milliseconds: 3 },
    Buffer.from('010000000200000003000000', 'hex'),
    [{}, null, { months: -1, days: 0, milliseconds: 0 }],
  ],
])('%j', (schema, base, value, baseValue, bad) => {
  test('has its shape, and its base type underneath', async () => {
    expect(await pass(value, schema)).toEqual(value)
    expect(await pass(value, schema, base)).toEqual(baseValue)
    expect(await pass(baseValue, base, schema)).toEqual(value)
    expect(await pass(value, ['null', schema])).toEqual(value)
    expect(await pass(value, schema, ['null', schema])).toEqual(value)
  })
  test('is the same where plain longs are bigints', async () => {
    expect(await pass(value, schema, undefined, 'bigint')).toEqual(value)
  })
  test.each(bad)('%s is refused by name, without the value', async (wrong) => {
    const schemaRegistry = createEmbeddedSchemaRegistry()
    const codec = await createAvroCodec({ manifest: 'M', subject: 's', schema, schemaRegistry })
    const { message, code } = catchError(() => codec.encode(wrong))
    expect(code).toBe('PAYLOAD_INVALID')
    expect(message).toMatch(/^Payload of M at \$: expected \S+ as .*, got .*\.$/)
  })
})

test('a timestamp in micros keeps all 64 bits', async () => {
  for (const value of [2n ** 63n - 1n, -(2n ** 63n)])
    expect(await pass(value, of('long', 'timestamp-micros'))).toBe(value)
})

test.each([
  of('string', 'date'),
  of('int', 'nosuch'),
  of('int', 'toString'),
  { type: 'bytes', logicalType: 'decimal' },
  { ...decimal, scale: 7 },
])('%j is its base type, as the specification asks of what does not fit', async (schema) => {
  expect((await parseAvro(schema)).typeName).toBe((schema as { type: string }).type)
})

test.each<[object, object]>([
  [of('long', 'timestamp-micros'), of('long', 'timestamp-millis')],
  [decimal, { ...decimal, scale: 3 }],
])('%j is not read as %j: the numbers would mean something else', async (writer, reader) => {
  const error = await catchRejection(pass(writer === decimal ? '1.00' : 1n, writer, reader))
  expect(error.message).toContain("cannot be read as the reader's")
})

test.each<[string, object, Buffer]>([
  ['a date beyond Date', of('int', 'date'), Buffer.from('feffffff0f', 'hex')],
  ['a decimal of a megabyte', decimal, Buffer.concat([Buffer.from('80897a', 'hex'), Buffer.alloc(1_000_000, 1)])],
])('%s is undecodable, soon', async (_, schema, bytes) => {
  const type = await parseAvro(schema)
  const start = cpuTimeMs()
  expect(catchError(() => createAvroDecoder(type, type)(bytes, 0)).code).toBe('PAYLOAD_UNDECODABLE')
  expect(cpuTimeMs() - start).toBeLessThan(500)
})

test('defaults of the schema are of the base type', async () => {
  const fields = [{ name: 'at', type: of('long', 'timestamp-millis'), default: 5 }]
  expect(await pass({}, { type: 'record', name: 'R', fields })).toEqual({ at: new Date(5) })
})

test('the table says what a value must look like, and of what kind it is', () => {
  for (const [name, { expected, kind }] of Object.entries(logicalTypes)) {
    expect(expectedOf(`logical:${name}`)).toBe(expected)
    expect(logicalShapeOf(`logical:${name}`)).toBe(kind)
  }
  expect([expectedOf('int'), logicalShapeOf('int')]).toEqual([undefined, undefined])
  expect(createLogicalType).toBeTypeOf('function')
})
