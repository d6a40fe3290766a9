import { MessagingError } from '../errors/messaging-error.ts'
import { createAvroDecoder, explainAvroFailure, type AvroSchema } from './avro-codec.ts'
import { loadAvroTypes } from './avro-types.ts'
import type { AvroType } from './avsc-module.ts'
import type { Codec } from './codec.ts'
import type { DecodeLimits } from './decode-guard.ts'
import type { LongShape } from './exact-long.ts'
import { writeToScratch } from './scratch.ts'

export interface SingleObjectCodecOptions {
  /** Named in errors: the manifest whose payloads are encoded. */
  readonly manifest: string
  readonly schema: AvroSchema
  /** Named in errors about the schema. */
  readonly subject: string
  /** Schemas of other writers that may be met, since there is no server to ask. Default: none, only `schema` is read. */
  readonly writers?: readonly AvroSchema[] | undefined
  /** Shape of longs. Default: `number`. */
  readonly longs?: LongShape | undefined
  /** What a message may make the process build. Default: `defaultDecodeLimits`. */
  readonly limits?: DecodeLimits | undefined
}

/** Two marker bytes, C3 01, and the fingerprint of the schema in 8 bytes, little-endian. */
export const singleObjectHeaderBytes = 10

const format = 'Avro single-object'

/**
 * Avro single-object encoding (Avro specification, “Single object encoding”): no schema registry is needed, the
 * schema is named by its fingerprint.
 * `encode` throws PAYLOAD_INVALID; `decode` PAYLOAD_REJECTED and PAYLOAD_UNDECODABLE.
 * @throws SCHEMA_INVALID, PAYLOAD_UNDECODABLE for a writer that cannot be read as `schema`
 */
export async function createSingleObjectCodec<Payload>(options: SingleObjectCodecOptions): Promise<Codec<Payload>> {
  const { manifest, subject, limits, writers = [] } = options
  const parse = await loadAvroTypes(options.longs)
  const type = parse(options.schema, subject)
  const header = createHeader(type)
  const decoders = new Map([[fingerprintKey(header), createAvroDecoder<Payload>(type, type, limits)]])
  const find = (bytes: Buffer) => {
    const decode = decoders.get(fingerprintKey(bytes))
    if (!decode) throw undecodable(`no schema is known with the fingerprint ${fingerprintKey(bytes)}`)
    return { low: bytes.readInt32LE(2), high: bytes.readInt32LE(6), decode }
  }
  let last = find(header)
  for (const schema of writers) {
    const writer = parse(schema, subject)
    const key = fingerprintKey(createHeader(writer))
    if (!decoders.has(key)) decoders.set(key, createAvroDecoder(writer, type, limits))
  }

  return {
    name: 'avro-single-object',
    encode(payload) {
      try {
        return writeToScratch((buffer) => {
          header.copy(buffer)
          return type.encode(payload, buffer, singleObjectHeaderBytes)
        })
      } catch (error) {
        throw explainAvroFailure(type, payload, manifest) ?? error
      }
    },
    decode(bytes) {
      if (!isSingleObject(bytes)) throw undecodable('the bytes do not start with C3 01 and a fingerprint')
      // Most have the schema of the one before; to make a key costs as much as to decode a small payload.
      if (bytes.readInt32LE(2) !== last.low || bytes.readInt32LE(6) !== last.high) last = find(bytes)
      return last.decode(bytes, singleObjectHeaderBytes)
    },
  }
}

/** Whether bytes start like a single object. */
export function isSingleObject(bytes: Uint8Array): boolean {
  return bytes.length >= singleObjectHeaderBytes && bytes[0] === 0xc3 && bytes[1] === 0x01
}

/**
 * CRC-64-AVRO, the Rabin fingerprint of the Avro specification (“Schema fingerprints”), of a schema in
 * Parsing Canonical Form.
 */
export function fingerprintOf(canonicalForm: string): bigint {
  table ??= createTable()
  let fingerprint = empty
  for (const byte of Buffer.from(canonicalForm)) {
    fingerprint = (fingerprint >> 8n) ^ table[Number(fingerprint & 0xffn) ^ byte]!
  }
  return fingerprint
}

const empty = 0xc15d213aa4d7a795n

// Made on first use: this file is loaded with the SDK.
let table: readonly bigint[] | undefined

const createTable = (): readonly bigint[] =>
  Array.from({ length: 256 }, (_, byte) => {
    let fingerprint = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) fingerprint = (fingerprint >> 1n) ^ (empty & -(fingerprint & 1n))
    return fingerprint
  })

/** The schema as avsc gives it without attributes is its Parsing Canonical Form. */
export function canonicalFormOf(type: AvroType): string {
  return JSON.stringify(type.schema())
}

function createHeader(type: AvroType): Buffer {
  const header = Buffer.from([0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64LE(fingerprintOf(canonicalFormOf(type)), 2)
  return header
}

/** Two 32-bit numbers as text: quicker than a bigint, and readable in errors. */
function fingerprintKey(bytes: Buffer): string {
  return bytes.toString('hex', 2, singleObjectHeaderBytes)
}

function undecodable(reason: string): MessagingError {
  return new MessagingError('PAYLOAD_UNDECODABLE', { format, reason })
}
