import { MessagingError } from '../errors/messaging-error.ts'
import { createAvroCodec, type AvroSchema } from './avro-codec.ts'
import type { Codec } from './codec.ts'
import type { LongShape } from './exact-long.ts'
import { createJsonCodec } from './json-codec.ts'
import { createBytesCodec, createStringCodec } from './raw-codec.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { createSingleObjectCodec } from './single-object.ts'

/** The codecs that a manifest can name; anything else is its own `Codec` object. */
export const codecNames = ['avro', 'avro-single-object', 'json', 'string', 'bytes'] as const
export type CodecName = (typeof codecNames)[number]

export interface CodecRequest {
  readonly manifest: string
  readonly codec: CodecName | Codec
  readonly schema: AvroSchema | undefined
  readonly subject: string
  /** Shape of Avro longs. Default: `number`. */
  readonly longs?: LongShape | undefined
  /** Asked for only when the codec needs it. @throws CONFIG_MISSING */
  readonly schemaRegistry: () => SchemaRegistry
}

/** @throws MANIFEST_INVALID, SCHEMA_INVALID, CONFIG_MISSING */
export function createCodec(request: CodecRequest): Codec | Promise<Codec> {
  const { manifest, codec, schema, subject, longs } = request
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
      if (codec === 'avro-single-object') return createSingleObjectCodec({ manifest, schema, subject, longs })
      return createAvroCodec({ manifest, schema, subject, longs, schemaRegistry: request.schemaRegistry() })
    }
    case 'json':
      return createJsonCodec(manifest)
    case 'string':
      return createStringCodec(manifest)
    case 'bytes':
      return createBytesCodec(manifest)
  }
}
