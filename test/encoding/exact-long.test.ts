import * as fc from '../fast-check.ts'
import { describe, expect, test } from 'vitest'
import { createAvroDecoder } from '../../src/encoding/avro-codec.ts'
import { createExactNumbers } from '../../src/encoding/exact-long.ts'
import { loadAvsc } from '../../src/encoding/avsc-module.ts'
import { catchError } from '../catch-error.ts'
import { parseAvro, pass } from './parse-avro.ts'

/** Zigzag as the specification describes it, without floating-point numbers. */
function zigzag(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

const edges = [
  0n,
  1n,
  -1n,
  2n ** 52n - 1n,
  2n ** 52n,
  -(2n ** 52n),
  -(2n ** 52n) - 1n,
  -(2n ** 53n) + 1n,
  2n ** 53n - 1n,
]
const wide = [2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 62n) - 1n]

describe('longs as numbers', () => {
  test.each(edges)('%s is written and read exactly', async (value) => {
    const type = await parseAvro('long')
    expect(type.toBuffer(Number(value))).toEqual(zigzag(value))
    expect(createAvroDecoder(type, type)(zigzag(value), 0)).toBe(Number(value))
  })

  test('so is every safe integer', async () => {
    const type = await parseAvro('long')
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(type.toBuffer(value)).toEqual(zigzag(BigInt(value)))
        expect(type.fromBuffer(zigzag(BigInt(value)))).toBe(value)
      }),
    )
  })

  test.each(wide)('%s is refused in both directions', async (value) => {
    const type = await parseAvro('long')
    expect(type.isValid(Number(value))).toBe(false)
    expect(() => type.toBuffer(Number(value))).toThrow()
    const error = catchError(() => createAvroDecoder(type, type)(zigzag(value), 0))
    expect(error.code).toBe('PAYLOAD_UNDECODABLE')
    expect(error.message).toContain("longs: 'bigint'")
  })
})

describe('longs as bigints', () => {
  test.each([...edges, ...wide])('%s is written and read exactly', async (value) => {
    const type = await parseAvro('long', 'bigint')
    expect(type.toBuffer(value)).toEqual(zigzag(value))
    expect(type.fromBuffer(zigzag(value))).toBe(value)
  })

  test.each([5, 2n ** 63n, -(2n ** 63n) - 1n, '5', null])('%s is none', async (value) => {
    const type = await parseAvro('long', 'bigint')
    expect(type.isValid(value)).toBe(false)
    expect(() => type.toBuffer(value)).toThrow()
  })

  test('a default of the schema is one, too, and an int is read as one', async () => {
    const fields = [{ name: 'n', type: 'long', default: 7 }]
    expect(
      await pass({}, { type: 'record', name: 'R', fields: [] }, { type: 'record', name: 'R', fields }, 'bigint'),
    ).toEqual({ n: 7n })
    expect(await pass({}, { type: 'record', name: 'R', fields }, undefined, 'bigint')).toEqual({ n: 7n })
    expect(await pass(5, 'int', 'long', 'bigint')).toBe(5n)
    expect(await pass(-(2n ** 60n), 'long', ['null', 'long'], 'bigint')).toBe(-(2n ** 60n))
  })

  test('a union with int needs no wrapping: the kinds differ', async () => {
    expect(await pass(5, ['int', 'long'], undefined, 'bigint')).toBe(5)
    expect(await pass(5n, ['int', 'long'], undefined, 'bigint')).toBe(5n)
  })
})

test.each(['float', 'double'])('a long read as %s keeps its sign', async (reader) => {
  expect(await pass(-4503599627370497, 'long', reader)).toBe(-4503599627370497)
  expect(await pass(-(2n ** 63n), 'long', reader, 'bigint')).toBe(-(2 ** 63))
  expect(await pass(3, 'int', reader)).toBe(3)
})

test.each([
  ['an int of more than 32 bits', 'int', zigzag(2n ** 31n)],
  ['a long of eleven bytes', 'long', Buffer.from([...Array.from({ length: 10 }, () => 0xff), 1])],
  ['a long of 65 bits', 'long', Buffer.from([...Array.from({ length: 9 }, () => 0xff), 2])],
])('%s is refused', async (_, schema, bytes) => {
  const type = await parseAvro(schema)
  expect(catchError(() => createAvroDecoder(type, type)(bytes, 0)).code).toBe('PAYLOAD_UNDECODABLE')
})

test('both shapes are there for logical types, whatever the shape of a plain long', async () => {
  const { longs, long } = createExactNumbers(await loadAvsc(), 'bigint')
  expect(long).toBe(longs.bigint)
  expect(longs.number.toBuffer(1)).toEqual(longs.bigint.toBuffer(1n))
})
