import { MessagingError } from '../errors/messaging-error.ts'

/** Confluent wire format: magic byte 0, schema id as 32-bit big-endian integer, then the Avro body. */
export const wireHeaderBytes = 5

export function writeWireHeader(buffer: Buffer, schemaId: number): void {
  buffer[0] = 0
  buffer[1] = schemaId >>> 24
  buffer[2] = schemaId >>> 16
  buffer[3] = schemaId >>> 8
  buffer[4] = schemaId
}

/** The schema id of a message. @throws PAYLOAD_UNDECODABLE when the bytes do not start with the magic byte and an id */
export function readSchemaId(bytes: Buffer): number {
  if (bytes.length < wireHeaderBytes || bytes[0] !== 0) {
    const reason =
      bytes.length < wireHeaderBytes ? `${bytes.length} bytes are too few` : `the first byte is ${bytes[0]}, not 0`
    throw new MessagingError('PAYLOAD_UNDECODABLE', { format: 'Confluent wire format', reason })
  }
  return ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0
}
