import { expect, test } from 'vitest'
import { createAvroCodec } from '../../src/encoding/avro-codec.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { createJsonCodec } from '../../src/encoding/json-codec.ts'
import { createMultiFormatCodec } from '../../src/encoding/multi-format-codec.ts'
import { createStringCodec } from '../../src/encoding/raw-codec.ts'
import { createSingleObjectCodec } from '../../src/encoding/single-object.ts'
import { catchError } from '../catch-error.ts'

const schema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] }
const names = { manifest: 'M', subject: 's', schema }

async function createAll() {
  const avro = await createAvroCodec<unknown>({ ...names, schemaRegistry: createEmbeddedSchemaRegistry() })
  const single = await createSingleObjectCodec<unknown>(names)
  return { avro, single, json: createJsonCodec<unknown>('M'), text: createStringCodec('M') }
}

test('each format is known by its first bytes, whichever is written', async () => {
  const { avro, single, json } = await createAll()
  for (const [written, ...read] of [
    [avro, single, json],
    [json, avro, single],
    [single, json, avro],
  ] as const) {
    const codec = createMultiFormatCodec<unknown>(written, ...read)
    expect(codec.name).toBe(written.name)
    expect(Buffer.from(codec.encode({ a: 'x' }))).toEqual(Buffer.from(written.encode({ a: 'x' })))
    for (const each of [avro, single, json]) {
      expect(await codec.decode(Buffer.from(each.encode({ a: 'x' })))).toEqual({ a: 'x' })
    }
  }
})

test.each(['{}', ' [1]', '"text"', '-1', '0', 'true', 'false', 'null'])('%s is JSON', async (text) => {
  const { avro, json } = await createAll()
  expect(createMultiFormatCodec(avro, json).decode(Buffer.from(text))).toEqual(JSON.parse(text))
})

test('what has no mark goes to the codec that needs none, and to nobody without one', async () => {
  const { avro, json, text } = await createAll()
  const bytes = Buffer.from('plain text'.toUpperCase())
  expect(createMultiFormatCodec<unknown>(avro, text as never, json).decode(bytes)).toBe('PLAIN TEXT')
  const error = catchError(() => createMultiFormatCodec(avro, json).decode(bytes))
  expect(error.message).toBe('Bytes are not a valid avro or json message: the first bytes are of none of them.')
  expect(catchError(() => createMultiFormatCodec(avro, json).decode(Buffer.alloc(0))).code).toBe('PAYLOAD_UNDECODABLE')
})
