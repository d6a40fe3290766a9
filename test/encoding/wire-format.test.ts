import * as fc from '../fast-check.ts'
import { expect, test } from 'vitest'
import { readSchemaId, wireHeaderBytes, writeWireHeader } from '../../src/encoding/wire-format.ts'
import { catchError } from '../catch-error.ts'

test('any schema id comes back, whatever was in the buffer before and follows after', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.uint8Array({ minLength: wireHeaderBytes, maxLength: 40 }), (id, bytes) => {
      const buffer = Buffer.from(bytes)
      writeWireHeader(buffer, id)
      expect(readSchemaId(buffer)).toBe(id)
      expect(buffer.subarray(wireHeaderBytes)).toEqual(Buffer.from(bytes).subarray(wireHeaderBytes))
    }),
  )
})

// Confluent's documentation of the wire format: byte 0 is the magic byte 0, bytes 1-4 are the id, most significant first.
test('the header is that of Confluent', () => {
  const buffer = Buffer.alloc(5, 0xff)
  writeWireHeader(buffer, 0x01020304)
  expect([...buffer]).toEqual([0, 1, 2, 3, 4])
})

test.each([
  [[], '0 bytes are too few'],
  [[0, 0, 0, 0], '4 bytes are too few'],
  [[1, 0, 0, 0, 1], 'the first byte is 1, not 0'],
  [[123, 34, 97, 34, 58, 49, 125], 'the first byte is 123, not 0'],
])('%j is refused: %s', (bytes, reason) => {
  const error = catchError(() => readSchemaId(Buffer.from(bytes)))
  expect(error.code).toBe('PAYLOAD_UNDECODABLE')
  expect(error.message).toBe(`Bytes are not a valid Confluent wire format message: ${reason}.`)
})

test('whatever the bytes, there is an id or a PAYLOAD_UNDECODABLE', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const buffer = Buffer.from(bytes)
      if (buffer.length >= 5 && buffer[0] === 0) expect(readSchemaId(buffer)).toBe(buffer.readUInt32BE(1))
      else expect(catchError(() => readSchemaId(buffer)).code).toBe('PAYLOAD_UNDECODABLE')
    }),
  )
})
