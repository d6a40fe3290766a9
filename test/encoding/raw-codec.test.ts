import * as fc from '../fast-check.ts'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createBytesCodec, createStringCodec } from '../../src/encoding/raw-codec.ts'
import { catchError } from '../catch-error.ts'

describe('string', () => {
  const codec = createStringCodec('Note')

  test('any text comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        expect(await codec.decode(codec.encode(text))).toBe(text)
      }),
    )
  })

  test.each<[unknown, string]>([
    [5, 'number'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Buffer.from('canary-3'), 'Buffer'],
    [{ text: 'canary-3' }, 'object'],
  ])('%o is refused by its type', (payload, actual) => {
    const error = catchError(() => codec.encode(payload as string))
    expect(error).toMatchObject({ code: 'PAYLOAD_INVALID', manifest: 'Note' })
    expect(error.message).toBe(`Payload of Note at $: expected string, got ${actual}.`)
    expect(inspect(error)).not.toContain('canary')
  })
})

describe('bytes', () => {
  const codec = createBytesCodec('Blob')

  test('any bytes come back as they were, views of larger buffers included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (bytes) => {
        const larger = new Uint8Array(bytes.length + 4)
        larger.set(bytes, 2)
        const view = larger.subarray(2, 2 + bytes.length)
        expect(await codec.decode(codec.encode(view))).toEqual(Buffer.from(bytes))
      }),
    )
  })

  test('a Buffer is passed on, not copied', () => {
    const bytes = Buffer.from('x')
    expect(codec.encode(bytes)).toBe(bytes)
  })

  test.each<[unknown, string]>([
    ['text', 'string'],
    [[1, 2], 'array'],
    [new ArrayBuffer(2), 'ArrayBuffer'],
    [new Uint16Array(2), 'Uint16Array'],
  ])('%o is refused by its type', (payload, actual) => {
    const error = catchError(() => codec.encode(payload as Uint8Array))
    expect(error.message).toBe(`Payload of Blob at $: expected Buffer or Uint8Array, got ${actual}.`)
  })
})
