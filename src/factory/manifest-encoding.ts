import { isManifestName } from '../config/config-paths.ts'
import type { AvroSchema } from '../encoding/avro-codec.ts'
import { describeType, type Codec } from '../encoding/codec.ts'
import { codecNames, type CodecName } from '../encoding/create-codec.ts'
import type { LongShape } from '../encoding/exact-long.ts'
import type { ReferencedSchema } from '../encoding/schema-references.ts'
import type { SchemaRegistry } from '../encoding/schema-registry.ts'
import { MessagingError } from '../errors/messaging-error.ts'

/** The attributes of a manifest of either kind that say how payloads become bytes and back. */
export interface DeclaredEncoding<Payload = unknown> {
  /** Avro schema of the payload. A consumer reads payloads as it describes them, whatever schema of its history wrote them. */
  readonly schema?: AvroSchema
  /**
   * Schemas that other schemas of the manifest use by name, in any order. A producer registers each under its full name, or under
   * the `subject` that is given with it.
   * @example override readonly references = [addressSchema, { subject: 'money', schema: moneySchema }]
   */
  readonly references?: readonly ReferencedSchema[]
  /** Schemas of other writers that `avro-single-object` reads too; it has no schema registry to ask. Default: none. */
  readonly writerSchemas?: readonly AvroSchema[]
  /** How the payload becomes bytes and back. Default: `avro` where there is a schema, else `json`. */
  readonly codec?: CodecName | Codec<Payload>
  /** Avro longs as numbers, refused beyond ±(2^53 - 1), or as bigints of 64 bits. Default: `number`. */
  readonly longs?: LongShape
  /**
   * A schema registry of its own, in place of the configured one. Whoever made it closes it.
   * @example override readonly schemaRegistry = createHttpSchemaRegistry({ urls: ['https://schemas.example.org'] })
   */
  readonly schemaRegistry?: SchemaRegistry
}

export interface ManifestEncoding {
  readonly codec: CodecName | Codec
  readonly schema: AvroSchema | undefined
  readonly keySchema: AvroSchema | undefined
  readonly references: readonly ReferencedSchema[]
  readonly writerSchemas: readonly AvroSchema[]
  readonly schemaRegistry: SchemaRegistry | undefined
  readonly longs: LongShape | undefined
}

export type InvalidManifest = (attribute: string, reason: string, cause?: unknown) => MessagingError

/** The instance of a manifest class, and what makes errors about its attributes. @throws MANIFEST_INVALID */
export function createManifest<Manifest>(
  Manifest: { new (): Manifest },
  manifest: string,
): { instance: Manifest; invalid: InvalidManifest } {
  const invalid: InvalidManifest = (attribute, reason, cause) =>
    new MessagingError(
      'MANIFEST_INVALID',
      { manifest, attribute, reason },
      { manifest, ...(cause === undefined ? {} : { cause }) },
    )
  if (!isManifestName(manifest)) {
    throw invalid('manifestName', `must be letters, digits, "_", "$" or "-", not ${JSON.stringify(manifest)}`)
  }
  try {
    return { instance: new Manifest(), invalid }
  } catch (error) {
    throw invalid('constructor', 'threw when the instance was made', error)
  }
}

/** The checked attributes, with their defaults. @throws MANIFEST_INVALID */
export function readEncoding(
  instance: DeclaredEncoding & { readonly keySchema?: AvroSchema },
  invalid: InvalidManifest,
): ManifestEncoding {
  const { schema, codec = schema === undefined ? 'json' : 'avro' } = instance
  const { keySchema, references = [], writerSchemas = [] } = instance
  const checkSchema = (attribute: string, given: unknown): void => {
    if (given === undefined || typeof given === 'string' || (typeof given === 'object' && given !== null)) return
    throw invalid(attribute, `must be an Avro schema as object or JSON text, not ${describeType(given)}`)
  }
  for (const [attribute, given] of Object.entries({ schema, keySchema })) checkSchema(attribute, given)
  for (const [attribute, given] of Object.entries({ references, writerSchemas })) {
    if (!Array.isArray(given)) throw invalid(attribute, `must be a list of Avro schemas, not ${describeType(given)}`)
    for (const [index, each] of given.entries()) checkSchema(`${attribute}[${index}]`, each ?? null)
  }
  const isCodecObject =
    typeof codec === 'object' &&
    codec !== null &&
    typeof codec.encode === 'function' &&
    typeof codec.decode === 'function'
  if (!isCodecObject && !codecNames.some((name) => name === codec)) {
    throw invalid('codec', `must be one of ${codecNames.join(', ')}, or an object with encode and decode`)
  }
  if (codec === 'avro' && schema === undefined) throw invalid('schema', 'is missing, and codec is avro')
  const { schemaRegistry, longs } = instance
  if (longs !== undefined && longs !== 'number' && longs !== 'bigint') {
    throw invalid('longs', `must be 'number' or 'bigint', not ${describeType(longs)}`)
  }
  if (
    schemaRegistry !== undefined &&
    (typeof schemaRegistry?.register !== 'function' || typeof schemaRegistry.getById !== 'function')
  ) {
    throw invalid('schemaRegistry', 'must be an object with register and getById, as createHttpSchemaRegistry makes it')
  }
  return { codec, schema, keySchema, references, writerSchemas, schemaRegistry, longs }
}

/** Those attributes of a manifest that are fields of a config table. */
export function readAttributes(instance: object, table: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.keys(table)
      .map((name) => [name, (instance as Readonly<Record<string, unknown>>)[name]])
      .filter(([, value]) => value !== undefined),
  )
}
