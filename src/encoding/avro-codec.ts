import type { schema as avscSchema, Type } from 'avsc'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { describeType, type Codec } from './codec.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { writeToScratch } from './scratch.ts'
import { readSchemaId, wireHeaderBytes, writeWireHeader } from './wire-format.ts'

/** An Avro schema as a JavaScript literal or as JSON text (Avro specification 1.11). */
export type AvroSchema = string | object

export interface AvroCodecOptions {
  /** Named in errors: the manifest whose payloads are encoded. */
  readonly manifest: string
  readonly schema: AvroSchema
  /** Where the schema is registered, `<topic>-value` by Confluent’s default strategy. */
  readonly subject: string
  readonly schemaRegistry: SchemaRegistry
}

const format = 'Avro'

/**
 * Avro in the Confluent wire format. Registers the schema once, at creation.
 * Unions are written unwrapped where their branches can be told apart (avsc’s `wrapUnions: 'auto'`).
 * @throws SCHEMA_INVALID
 */
export async function createAvroCodec<Payload>(options: AvroCodecOptions): Promise<Codec<Payload>> {
  // avsc takes about 20 ms to import: loaded when the first Avro manifest is built, not with the SDK.
  const { Type: types } = (await import('avsc')).default
  const parse = (schema: AvroSchema): Type => parseSchema(types, schema, options.subject)
  const type = parse(options.schema)
  const schemaId = await options.schemaRegistry.register(
    options.subject,
    JSON.stringify(type.schema({ exportAttrs: true })),
  )

  type Decode = (bytes: Buffer) => Payload
  // One decoder for each writer schema ever met; the promise is there while its schema is being fetched.
  const decoders = new Map<number, Decode | Promise<Decode>>([[schemaId, createDecoder(type, type)]])

  function decoderOf(id: number): Decode | Promise<Decode> {
    const known = decoders.get(id)
    if (known !== undefined) return known
    const fetched = options.schemaRegistry.getById(id).then(
      (schema) => {
        const decode = createDecoder<Payload>(parse(schema), type)
        decoders.set(id, decode)
        return decode
      },
      (error: unknown) => {
        decoders.delete(id)
        throw error
      },
    )
    decoders.set(id, fetched)
    return fetched
  }

  return {
    name: 'avro',
    encode(payload) {
      try {
        return writeToScratch((buffer) => {
          writeWireHeader(buffer, schemaId)
          return type.encode(payload, buffer, wireHeaderBytes)
        })
      } catch (error) {
        // Only now is the path looked for: validating first would double the cost of every good payload.
        // avsc's own error is not kept as the cause, since its message quotes the value.
        throw explainFailure(type, payload, options.manifest) ?? error
      }
    },
    decode(bytes) {
      const decoder = decoderOf(readSchemaId(bytes))
      return typeof decoder === 'function' ? decoder(bytes) : decoder.then((decode) => decode(bytes))
    },
  }
}

function parseSchema(types: typeof Type, schema: AvroSchema, subject: string): Type {
  try {
    return types.forSchema((typeof schema === 'string' ? JSON.parse(schema) : schema) as avscSchema.AvroSchema)
  } catch (error) {
    throw new MessagingError('SCHEMA_INVALID', { subject, reason: (error as Error).message }, { cause: error })
  }
}

function createDecoder<Payload>(writer: Type, reader: Type): (bytes: Buffer) => Payload {
  const resolver = writer === reader ? undefined : createResolver(writer, reader)
  return (bytes) => {
    let decoded: { value: Payload; offset: number }
    try {
      decoded = reader.decode(bytes, wireHeaderBytes, resolver)
    } catch (error) {
      if (isMessagingError(error)) throw error
      throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'the body does not fit the schema' })
    }
    if (decoded.offset < 0) {
      throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'the body ends too early' })
    }
    if (decoded.offset !== bytes.length) {
      const reason = `${bytes.length - decoded.offset} bytes are left over`
      throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason })
    }
    return decoded.value
  }
}

function createResolver(writer: Type, reader: Type): ReturnType<Type['createResolver']> {
  try {
    return reader.createResolver(writer)
  } catch (error) {
    const reason = `the writer's schema cannot be read as the reader's: ${(error as Error).message}`
    throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason })
  }
}

function explainFailure(type: Type, payload: unknown, manifest: string): MessagingError | undefined {
  let found: MessagingError | undefined
  type.isValid(payload, {
    errorHook: (segments, value, at) => {
      const path = ['$', ...segments].join('.')
      const parameters = { manifest, path, expected: describeAvroType(at), actual: describeActual(value, at) }
      found ??= new MessagingError('PAYLOAD_INVALID', parameters, { manifest })
    },
  })
  return found
}

function describeAvroType(type: Type): string {
  const { typeName, name } = type as Type & { symbols?: string[]; types?: Type[]; size?: number }
  if (typeName.startsWith('union')) return (type as Type & { types: Type[] }).types.map(describeAvroType).join(' or ')
  if (typeName === 'enum') return `one of ${(type as Type & { symbols: string[] }).symbols.join(', ')}`
  if (typeName === 'fixed') return `${(type as Type & { size: number }).size} bytes`
  return name === undefined || name === typeName ? typeName : `${typeName} ${name}`
}

function describeActual(value: unknown, type: Type): string {
  const actual = describeType(value)
  if (actual === 'number' && (type.typeName === 'int' || type.typeName === 'long')) {
    return Number.isInteger(value) ? 'a number out of range' : 'a number that is not an integer'
  }
  if (actual === 'string' && type.typeName === 'enum') return 'another string'
  return actual
}
