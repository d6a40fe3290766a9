import { MessagingError } from '../errors/messaging-error.ts'
import type { Codec } from './codec.ts'
import { isSingleObject } from './single-object.ts'
import { wireHeaderBytes } from './wire-format.ts'

/** Formats that are known by their first bytes, by codec name. No two of them take the same first byte. */
const recognizers: Readonly<Record<string, (bytes: Buffer) => boolean>> = {
  avro: (bytes) => bytes.length >= wireHeaderBytes && bytes[0] === 0,
  'avro-single-object': isSingleObject,
  // White space, or what a JSON value can start with (RFC 8259).
  json: (bytes) => /^[\s{["\-0-9tfn]/.test(String.fromCharCode(bytes[0] ?? 0)),
}

/**
 * Writes one format and reads several, told apart by their first bytes: for a topic that moves from one to another.
 * A codec of another name (`string`, `bytes`, one of your own) has no mark, so it reads whatever is left; it comes last.
 * `decode` throws PAYLOAD_UNDECODABLE for bytes that none of them takes.
 * @example createMultiFormatCodec(avroCodec, createJsonCodec('OrderPlaced'))
 */
export function createMultiFormatCodec<Payload>(
  written: Codec<Payload>,
  ...alsoRead: readonly Codec<Payload>[]
): Codec<Payload> {
  const all = [written, ...alsoRead]
  const marked = all.flatMap((codec) => {
    const recognize = Object.hasOwn(recognizers, codec.name) ? recognizers[codec.name] : undefined
    return recognize ? [{ codec, recognize }] : []
  })
  const rest = all.find(({ name }) => !Object.hasOwn(recognizers, name))
  return {
    name: written.name,
    encode: (payload) => written.encode(payload),
    decode(bytes) {
      const codec = marked.find(({ recognize }) => recognize(bytes))?.codec ?? rest
      if (codec) return codec.decode(bytes)
      const format = all.map(({ name }) => name).join(' or ')
      throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'the first bytes are of none of them' })
    },
  }
}
