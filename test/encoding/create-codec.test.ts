import { expect, test } from 'vitest'
import type { Codec } from '../../src/encoding/codec.ts'
import { codecNames, createCodec, type CodecRequest } from '../../src/encoding/create-codec.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { catchError } from '../catch-error.ts'

function request(given: Partial<CodecRequest>): CodecRequest {
  return {
    manifest: 'OrderPlaced',
    codec: 'json',
    schema: undefined,
    subject: 'orders-value',
    schemaRegistry: () => {
      throw new Error('nobody asked for a schema registry')
    },
    ...given,
  }
}

test.each(codecNames)('%s is made by its name', async (name) => {
  const avro = { schema: { type: 'string' }, schemaRegistry: createEmbeddedSchemaRegistry } as const
  const codec = await createCodec(request({ codec: name, ...(name.startsWith('avro') ? avro : {}) }))
  expect(codec.name).toBe(name)
})

test('a codec object is taken as it is', () => {
  const own: Codec = { name: 'own', encode: () => Buffer.alloc(0), decode: () => undefined }
  expect(createCodec(request({ codec: own }))).toBe(own)
})

test.each(['avro', 'avro-single-object'] as const)('%s without a schema is a mistake of the manifest', (codec) => {
  const error = catchError(() => createCodec(request({ codec })))
  expect(error).toMatchObject({ code: 'MANIFEST_INVALID', manifest: 'OrderPlaced' })
  expect(error.message).toBe('Manifest OrderPlaced: schema is missing.')
})

test('the codec names its manifest in errors', async () => {
  const codec = await createCodec(request({ codec: 'string' }))
  expect(catchError(() => codec.encode(5)).message).toContain('Payload of OrderPlaced at $')
})

test.each(['avro', 'avro-single-object'] as const)('%s gives longs the shape that is asked for', async (name) => {
  const avro = { codec: name, schema: 'long', longs: 'bigint', schemaRegistry: createEmbeddedSchemaRegistry } as const
  const codec = await createCodec(request(avro))
  expect(await codec.decode(codec.encode(-(2n ** 63n)))).toBe(-(2n ** 63n))
})

test.each(['avro', 'avro-single-object'] as const)('%s takes schemas by name', async (name) => {
  const references = [{ name: 'Unit', type: 'enum', symbols: ['KG'] }]
  const schema = { name: 'Weight', type: 'record', fields: [{ name: 'unit', type: 'Unit' }] }
  const codec = await createCodec(
    request({ codec: name, schema, references, schemaRegistry: createEmbeddedSchemaRegistry }),
  )
  expect(await codec.decode(codec.encode({ unit: 'KG' }))).toEqual({ unit: 'KG' })
})

test('avro registers a schema as it was written, with what it refers to, and reads what the id means', async () => {
  const registry = createEmbeddedSchemaRegistry()
  const seen: unknown[] = []
  const schemaRegistry = () => ({
    getById: (id: number) => registry.getById(id),
    register: (...given: Parameters<typeof registry.register>) => {
      seen.push(given)
      return registry.register(...given)
    },
  })
  const unit = '{"name":"Unit","type":"enum","symbols":["KG"]}'
  const references = [{ subject: 'units', schema: unit }]
  const writer = await createCodec(request({ codec: 'avro', schema: '["null","Unit"]', references, schemaRegistry }))
  expect(seen).toEqual([
    ['orders-value', '["null","Unit"]', [{ name: 'Unit', subject: 'units', schema: unit, references: [] }]],
  ])
  const reader = await createCodec(
    request({ codec: 'avro', schema: '["null","string","Unit"]', references, schemaRegistry }),
  )
  expect(await reader.decode(Buffer.from(writer.encode('KG')))).toEqual({ Unit: 'KG' })
})

test('avro-single-object reads what the listed writers wrote', async () => {
  const field = { name: 'a', type: 'int' }
  const old = { name: 'R', type: 'record', fields: [field] }
  const schema = { ...old, fields: [field, { name: 'b', type: 'int', default: 7 }] }
  const writer = await createCodec(request({ codec: 'avro-single-object', schema: old }))
  const bytes = Buffer.from(writer.encode({ a: 1 }))
  const strict = await createCodec(request({ codec: 'avro-single-object', schema }))
  expect(catchError(() => strict.decode(bytes))).toMatchObject({ code: 'PAYLOAD_UNDECODABLE' })
  const reader = await createCodec(request({ codec: 'avro-single-object', schema, writers: [old] }))
  expect(await reader.decode(bytes)).toEqual({ a: 1, b: 7 })
})

test('avro-single-object reads writers that use schemas by name', async () => {
  const references = ['{"name":"Unit","type":"enum","symbols":["KG"]}']
  const single = { codec: 'avro-single-object', references } as const
  const writer = await createCodec(request({ ...single, schema: '"Unit"' }))
  const reader = await createCodec(request({ ...single, schema: '["null","Unit"]', writers: ['"Unit"'] }))
  expect(await reader.decode(Buffer.from(writer.encode('KG')))).toBe('KG')
})
