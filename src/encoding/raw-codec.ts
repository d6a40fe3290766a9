// The global is a getter, which each message would call.
import { Buffer } from 'node:buffer'
import { MessagingError } from '../errors/messaging-error.ts'
import { describeType, type Codec } from './codec.ts'

/** Text as UTF-8. */
export function createStringCodec(manifest: string): Codec<string> {
  return {
    name: 'string',
    encode(payload) {
      if (typeof payload !== 'string') throw wrongType(manifest, 'string', payload)
      return Buffer.from(payload)
    },
    decode: (bytes) => bytes.toString(),
  }
}

/** Bytes as they are. */
export function createBytesCodec(manifest: string): Codec<Uint8Array> {
  return {
    name: 'bytes',
    encode(payload) {
      if (Buffer.isBuffer(payload)) return payload
      if (!(payload instanceof Uint8Array)) throw wrongType(manifest, 'Buffer or Uint8Array', payload)
      return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    },
    decode: (bytes) => bytes,
  }
}

function wrongType(manifest: string, expected: string, payload: unknown): MessagingError {
  const parameters = { manifest, path: '$', expected, actual: describeType(payload) }
  return new MessagingError('PAYLOAD_INVALID', parameters, { manifest })
}
