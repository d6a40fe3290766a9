export type { AvroSchema } from './encoding/avro-codec.ts'
export { createAvroCodec } from './encoding/avro-codec.ts'
export type { Codec } from './encoding/codec.ts'
export { codecNames, type CodecName } from './encoding/create-codec.ts'
export { createCachedSchemaRegistry, type CacheOptions } from './encoding/cached-schema-registry.ts'
export { createEmbeddedSchemaRegistry } from './encoding/embedded-schema-registry.ts'
export {
  createHttpSchemaRegistry,
  type ClosableSchemaRegistry,
  type HttpSchemaRegistryOptions,
} from './encoding/http-schema-registry.ts'
export { createSchemaFiles, type SchemaFilesLimits, type SchemaStore } from './encoding/schema-files.ts'
export { defineSchema, type FromSchema } from './encoding/define-schema.ts'
export type { DecodeLimits } from './encoding/decode-guard.ts'
export { defaultDecodeLimits } from './encoding/decode-guard.ts'
export type { LongShape } from './encoding/exact-long.ts'
export { createJsonCodec } from './encoding/json-codec.ts'
export { createMultiFormatCodec } from './encoding/multi-format-codec.ts'
export { createSingleObjectCodec } from './encoding/single-object.ts'
export { createBytesCodec, createStringCodec } from './encoding/raw-codec.ts'
export type {
  Compatibility,
  RegisteredSchema,
  SchemaDependency,
  SchemaReference,
  SchemaRegistry,
  SchemaRegistryObserver,
  SchemaSource,
  VersionedSchemaRegistry,
} from './encoding/schema-registry.ts'
export type { ReferencedSchema } from './encoding/schema-references.ts'
export { readSchemaId } from './encoding/wire-format.ts'
