import { MessagingError } from '../errors/messaging-error.ts'
import { createAvroCodec, type AvroSchema } from './avro-codec.ts'
import type { Codec } from './codec.ts'
import type { LongShape } from './exact-long.ts'
import { createJsonCodec } from './json-codec.ts'
import { createBytesCodec, createStringCodec } from './raw-codec.ts'
import { linkReferences, type LinkedSchema, type ReferencedSchema } from './schema-references.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { createSingleObjectCodec } from './single-object.ts'

/** The codecs that a manifest can name; anything else is its own `Codec` object. */
export const codecNames = ['avro', 'avro-single-object', 'json', 'string', 'bytes'] as const
export type CodecName = (typeof codecNames)[number]

export interface CodecRequest {
  readonly manifest: string
  readonly codec: CodecName | Codec
  readonly schema: AvroSchema | undefined
  /** Schemas that `schema` may use by name. Default: none. */
  readonly references?: readonly ReferencedSchema[] | undefined
  /** Schemas of other writers, for a codec that has no schema registry to ask. Default: none. */
  readonly writers?: readonly AvroSchema[] | undefined
  readonly subject: string
  /** Shape of Avro longs. Default: `number`. */
  readonly longs?: LongShape | undefined
  /** Asked for only when the codec needs it. @throws CONFIG_MISSING */
  readonly schemaRegistry: () => SchemaRegistry
}

/** @throws MANIFEST_INVALID, SCHEMA_INVALID, CONFIG_MISSING */
export function createCodec(request: CodecRequest): Codec | Promise<Codec> {
  const { manifest, codec, schema, references = [], subject, longs, writers = [] } = request
  if (typeof codec === 'object') return codec
  switch (codec) {
    case 'avro':
    case 'avro-single-object': {
      if (schema === undefined) {
        throw new MessagingError(
          'MANIFEST_INVALID',
          { manifest, attribute: 'schema', reason: 'is missing' },
          { manifest },
        )
      }
      const link = (given: AvroSchema): LinkedSchema | undefined =>
        references.length === 0 ? undefined : linkReferences(given, references, subject)
      const linked = link(schema)
      const parsed = { manifest, schema: linked?.complete ?? schema, subject, longs }
      if (codec === 'avro-single-object') {
        return createSingleObjectCodec({
          ...parsed,
          writers: writers.map((writer) => link(writer)?.complete ?? writer),
        })
      }
      const schemaRegistry = request.schemaRegistry()
      return createAvroCodec({
        ...parsed,
        schemaRegistry: linked ? registering(linked, schemaRegistry) : schemaRegistry,
      })
    }
    case 'json':
      return createJsonCodec(manifest)
    case 'string':
      return createStringCodec(manifest)
    case 'bytes':
      return createBytesCodec(manifest)
  }
}

/** The codec parses the complete schema; what is registered is the schema as it was written, with its references. */
function registering({ text, references }: LinkedSchema, registry: SchemaRegistry): SchemaRegistry {
  return {
    register: (subject) => registry.register(subject, text, references),
    getById: (id) => registry.getById(id),
  }
}
