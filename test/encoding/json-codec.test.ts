import * as fc from '../fast-check.ts'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createJsonCodec } from '../../src/encoding/json-codec.ts'
import { catchError } from '../catch-error.ts'

const codec = createJsonCodec<unknown>('OrderPlaced')

test('any JSON value comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      expect(await codec.decode(codec.encode(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('the text is UTF-8, as JSON.stringify writes it', () => {
  expect(codec.encode({ name: 'Grüße 🚀', at: new Date(0), skipped: undefined }).toString()).toBe(
    '{"name":"Grüße 🚀","at":"1970-01-01T00:00:00.000Z"}',
  )
})

test('bytes of an earlier message stay as they are', () => {
  const first = codec.encode('first')
  codec.encode('second')
  expect(String(first)).toBe('"first"')
})

const cycle: { items: unknown[]; note: string } = { items: [], note: 'canary-4' }
cycle.items.push({ order: cycle })

describe('what is no JSON', () => {
  test.each<[payload: unknown, path: string, actual: string]>([
    [undefined, '$', 'undefined'],
    [() => 'canary-4', '$', 'function'],
    [Symbol('canary-4'), '$', 'symbol'],
    [5n, '$', 'bigint'],
    [{ lines: [{ total: 1 }, { total: 5n, note: 'canary-4' }] }, '$.lines.1.total', 'bigint'],
    [cycle, '$.items.0.order', 'a reference to one of its parents'],
    [
      {
        toJSON() {
          throw new TypeError('inner')
        },
      },
      '$',
      'a value whose toJSON() throws',
    ],
  ])('%o is refused with its path and type', (payload, path, actual) => {
    const error = catchError(() => codec.encode(payload))
    expect(error).toMatchObject({ code: 'PAYLOAD_INVALID', manifest: 'OrderPlaced' })
    expect(error.message).toBe(`Payload of OrderPlaced at ${path}: expected a JSON value, got ${actual}.`)
    expect(inspect(error)).not.toContain('canary')
  })

  test('the same object twice is no cycle', () => {
    const shared = { a: 1 }
    expect(codec.encode([shared, shared]).toString()).toBe('[{"a":1},{"a":1}]')
    const error = catchError(() => codec.encode([shared, shared, 5n]))
    expect(error.message).toContain('at $.2: expected a JSON value, got bigint')
  })
})

test.each(['', '{', 'canary-4', '{"a":canary-4}'])('the text %j is refused without being quoted', (text) => {
  const error = catchError(() => codec.decode(Buffer.from(text)))
  expect(error.code).toBe('PAYLOAD_UNDECODABLE')
  expect(inspect(error)).not.toContain('canary')
})
