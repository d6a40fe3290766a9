import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { loadAvroTypes } from './avro-types.ts'
import type { AvroResolver, AvroSchema, AvroType } from './avsc-module.ts'
import { canonicalizeSchema } from './canonical-schema.ts'
import type { Codec } from './codec.ts'
import { defaultDecodeLimits, checkEnd, guardedTapClassOf, readWithin, type DecodeLimits } from './decode-guard.ts'
import { createDecoderCache } from './decoder-cache.ts'
import { describeAvroType, describeAvroValue } from './describe-avro.ts'
import type { LongShape } from './exact-long.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { writeToScratch } from './scratch.ts'
import { readSchemaId, wireHeaderBytes, writeWireHeader } from './wire-format.ts'

export type { AvroSchema } from './avsc-module.ts'

export interface AvroCodecOptions {
  /** Named in errors: the manifest whose payloads are encoded. */
  readonly manifest: string
  readonly schema: AvroSchema
  /** Where the schema is registered, `<topic>-value` by Confluent’s default strategy. */
  readonly subject: string
  readonly schemaRegistry: SchemaRegistry
  /** Shape of longs: numbers within ±(2^53 - 1), anything else refused, or bigints of 64 bits. Default: `number`. */
  readonly longs?: LongShape | undefined
  /** What a message may make the process build. Default: `defaultDecodeLimits`. */
  readonly limits?: DecodeLimits | undefined
}

const format = 'Avro'

/**
 * Avro in the Confluent wire format. Registers the schema once, at creation, as `canonicalizeSchema` writes it.
 * Shapes of values: docs/schemas.md. Unions are unwrapped where their branches can be told apart.
 * `encode` throws PAYLOAD_INVALID; `decode` PAYLOAD_REJECTED, PAYLOAD_UNDECODABLE, SCHEMA_NOT_FOUND, SCHEMA_INVALID.
 * @throws SCHEMA_INVALID
 */
export async function createAvroCodec<Payload>(options: AvroCodecOptions): Promise<Codec<Payload>> {
  const { subject, schemaRegistry, limits } = options
  const parse = await loadAvroTypes(options.longs)
  const type = parse(options.schema, subject)
  const schemaId = await schemaRegistry.register(subject, canonicalizeSchema(options.schema))

  const decoders = createDecoderCache(
    (id) => schemaRegistry.getById(id),
    (schema) => createAvroDecoder<Payload>(parse(schema, subject), type, limits),
  )
  decoders.set(schemaId, createAvroDecoder(type, type, limits))

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
        throw explainAvroFailure(type, payload, options.manifest) ?? error
      }
    },
    decode(bytes) {
      const decoder = decoders.get(readSchemaId(bytes))
      return typeof decoder === 'function'
        ? decoder(bytes, wireHeaderBytes)
        : decoder.then((decode) => decode(bytes, wireHeaderBytes))
    },
  }
}

/** Decodes one message from `offset` to its end. @throws PAYLOAD_REJECTED, PAYLOAD_UNDECODABLE */
export type AvroDecoder<Payload> = (bytes: Buffer, offset: number) => Payload

/** Made once per pair of writer and reader. @throws PAYLOAD_UNDECODABLE where the one cannot be read as the other */
export function createAvroDecoder<Payload>(
  writer: AvroType,
  reader: AvroType,
  limits: DecodeLimits = defaultDecodeLimits,
): AvroDecoder<Payload> {
  const source = writer === reader ? reader : createResolver(writer, reader)
  const Tap = guardedTapClassOf(reader)
  return (bytes, offset) => {
    const tap = new Tap(bytes, offset)
    let value: unknown
    try {
      value = readWithin(limits, source, tap)
    } catch (error) {
      if (isMessagingError(error)) throw error
      throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'the body does not fit the schema' })
    }
    if (tap.pos < bytes.length) {
      const reason = `${bytes.length - tap.pos} bytes are left over`
      throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason })
    }
    checkEnd(tap)
    return value as Payload
  }
}

function createResolver(writer: AvroType, reader: AvroType): AvroResolver {
  try {
    return reader.createResolver(writer)
  } catch (error) {
    const reason = `the writer's schema cannot be read as the reader's: ${(error as Error).message}`
    throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason })
  }
}

/** The first place where a payload does not fit, without its value; undefined when avsc finds none. */
export function explainAvroFailure(type: AvroType, payload: unknown, manifest: string): MessagingError | undefined {
  let found: MessagingError | undefined
  type.isValid(payload, {
    errorHook: (segments, value, at) => {
      const path = ['$', ...segments].join('.')
      const actual = describeAvroValue(value, at as AvroType)
      const parameters = { manifest, path, expected: describeAvroType(at as AvroType), actual }
      found ??= new MessagingError('PAYLOAD_INVALID', parameters, { manifest })
    },
  })
  return found
}
