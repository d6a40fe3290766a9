// Bytes, results and fingerprints of another implementation; see test/fixtures/avro/generate_vectors.py.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createAvroDecoder } from '../../src/encoding/avro-codec.ts'
import type { AvroSchema } from '../../src/encoding/avsc-module.ts'
import type { LongShape } from '../../src/encoding/exact-long.ts'
import { canonicalFormOf, fingerprintOf } from '../../src/encoding/single-object.ts'
import { catchError } from '../catch-error.ts'
import { parseAvro } from './parse-avro.ts'

interface Pair {
  readonly name: string
  readonly writer: AvroSchema
  readonly reader: AvroSchema
  readonly hex: string
  readonly result: unknown
}

interface Vectors {
  readonly values: {
    name: string
    schema: AvroSchema
    value: unknown
    longs: LongShape
    hex: string
    fingerprint: string
  }[]
  readonly evolutions: Pair[]
  readonly stricter: Pair[]
  readonly refused: Pair[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../fixtures/avro/vectors.json', import.meta.url), 'utf8'),
  revive,
) as Vectors

function revive(_: string, value: unknown): unknown {
  const { $bytes, $bigint, $date } = (value ?? {}) as Record<string, string | undefined>
  if ($bytes !== undefined) return Buffer.from($bytes, 'hex')
  if ($bigint !== undefined) return BigInt($bigint)
  return $date === undefined ? value : new Date($date)
}

describe('values written by fastavro', () => {
  test.each(vectors.values)('$name: the same bytes, both ways', async ({ schema, value, longs, hex }) => {
    const type = await parseAvro(schema, longs)
    expect(type.toBuffer(value).toString('hex')).toBe(hex)
    expect(createAvroDecoder(type, type)(Buffer.from(hex, 'hex'), 0)).toEqual(value)
  })

  test.each(vectors.values)('$name: the same fingerprint of the schema', async ({ schema, fingerprint }) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(fingerprintOf(canonicalFormOf(await parseAvro(schema))))
    expect(bytes.toString('hex')).toBe(fingerprint)
  })
})

describe('resolution of writer and reader', () => {
  test.each(vectors.evolutions)('$name: as fastavro reads it', async ({ writer, reader, hex, result }) => {
    const decode = createAvroDecoder(await parseAvro(writer), await parseAvro(reader))
    expect(decode(Buffer.from(hex, 'hex'), 0)).toEqual(result)
  })

  test.each([...vectors.refused, ...vectors.stricter])('$name: refused', async ({ writer, reader, hex }) => {
    const [from, to] = [await parseAvro(writer), await parseAvro(reader)]
    const error = catchError(() => createAvroDecoder(from, to)(Buffer.from(hex, 'hex'), 0))
    expect(error.code).toBe('PAYLOAD_UNDECODABLE')
  })
})
