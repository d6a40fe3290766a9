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
