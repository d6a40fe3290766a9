import { describe, expect, test } from 'vitest'
import type { AvroSchema } from '../../src/encoding/avsc-module.ts'
import {
  canonicalFormOf,
  createSingleObjectCodec,
  fingerprintOf,
  isSingleObject,
  singleObjectHeaderBytes,
} from '../../src/encoding/single-object.ts'
import { catchError, catchRejection } from '../catch-error.ts'
import { parseAvro } from './parse-avro.ts'

const create = (schema: AvroSchema, writers: AvroSchema[] = []) =>
  createSingleObjectCodec<unknown>({ manifest: 'M', subject: 's', schema, writers })

// From share/test/data/schema-tests.txt of Apache Avro: canonical form and fingerprint, as a signed 64-bit integer.
test.each([
  ['"null"', 7195948357588979594n],
  ['"boolean"', -6970731678124411036n],
  ['"int"', 8247732601305521295n],
  ['"long"', -3434872931120570953n],
  ['"float"', 5583340709985441680n],
  ['"double"', -8181574048448539266n],
  ['"bytes"', 5746618253357095269n],
  ['"string"', -8142146995180207161n],
  ['[]', -1241056759729112623n],
])('%s has the fingerprint %s', (form, fingerprint) => expect(BigInt.asIntN(64, fingerprintOf(form))).toBe(fingerprint))

test('the canonical form has no attributes, full names and one order', async () => {
  const type = await parseAvro({
    doc: 'gone',
    fields: [
      { default: 1, type: { logicalType: 'timestamp-millis', type: 'long' }, name: 'at' },
      { name: 's', type: 'R2' },
    ].slice(0, 1),
    namespace: 'a.b',
    name: 'R',
    aliases: ['Old'],
    type: 'record',
  })
  expect(canonicalFormOf(type)).toBe('{"name":"a.b.R","type":"record","fields":[{"name":"at","type":"long"}]}')
  expect(canonicalFormOf(await parseAvro('long', 'bigint'))).toBe('"long"')
})

test('a message is marker, fingerprint and body', async () => {
  const codec = await create('string')
  const bytes = Buffer.from(codec.encode('a'))
  expect(bytes.toString('hex')).toBe('c301c70345637248018f0261')
  expect(isSingleObject(bytes)).toBe(true)
  expect(await codec.decode(bytes)).toBe('a')
  expect(codec.name).toBe('avro-single-object')
})

describe('what another schema wrote', () => {
  const older = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }] }
  const newer = { ...older, fields: [...older.fields, { name: 'b', type: 'string', default: 'x' }] }

  test('is read when that schema is given', async () => {
    const bytes = Buffer.from((await create(older)).encode({ a: 1 }))
    expect(await (await create(newer, [older, newer])).decode(bytes)).toEqual({ a: 1, b: 'x' })
  })
  test('is refused by its fingerprint otherwise', async () => {
    const bytes = Buffer.from((await create('string')).encode('a'))
    const codec = await create(newer)
    expect(catchError(() => codec.decode(bytes)).message).toContain('fingerprint c70345637248018f')
  })
  test('is refused at creation when it can never be read', async () => {
    expect((await catchRejection(create('int', ['string']))).code).toBe('PAYLOAD_UNDECODABLE')
  })
})

test.each([['ff'.repeat(12)], ['c301'], ['c302' + '00'.repeat(10)], ['']])('%s is no single object', async (hex) => {
  const bytes = Buffer.from(hex, 'hex')
  expect(isSingleObject(bytes)).toBe(false)
  const codec = await create('string')
  expect(catchError(() => codec.decode(bytes)).code).toBe('PAYLOAD_UNDECODABLE')
  expect(singleObjectHeaderBytes).toBe(10)
})

test('the guard stands in front of it, and a wrong payload is named by its path', async () => {
  const codec = await create({ type: 'array', items: 'long' })
  const bytes = Buffer.concat([codec.encode([]).subarray(0, 10), Buffer.from([0x80, 0x9b, 0xee, 0x02])])
  expect(catchError(() => codec.decode(bytes)).code).toBe('PAYLOAD_REJECTED')
  expect(catchError(() => codec.encode(['x'])).message).toBe('Payload of M at $.0: expected long, got string.')
})
