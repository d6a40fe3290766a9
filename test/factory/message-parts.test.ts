import { describe, expect, test } from 'vitest'
import { encodeHeaders, encodeKey, headerBytes } from '../../src/factory/message-parts.ts'
import type { MessageHeaders, MessageKey } from '../../src/factory/producer-manifest.ts'
import { catchError } from '../catch-error.ts'

describe('a key', () => {
  test.each<[MessageKey, string | null]>([
    ['order-1', 'order-1'],
    ['Zoë', 'Zoë'],
    ['', ''],
    [Buffer.from('bytes'), 'bytes'],
    [new Uint8Array([0x61]), 'a'],
    [4711, '4711'],
    [0, '0'],
    [12_345_678_901_234_567_890n, '12345678901234567890'],
    [null, null],
    [undefined, null],
  ])('%o becomes %j', (key, text) => {
    const encoded = encodeKey(key, 'M')
    expect(encoded === null ? null : String(encoded)).toBe(text)
  })

  test('of a view has the bytes of the view only', () => {
    expect(encodeKey(new Uint8Array(Buffer.from('xxkeyyy')).subarray(2, 5), 'M')).toEqual(Buffer.from('key'))
  })

  test.each<[unknown, string]>([
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [{ id: 'canary' }, 'object'],
    [['canary'], 'array'],
    [true, 'boolean'],
    [Promise.resolve('canary'), 'Promise'],
    [new Date(0), 'Date'],
  ])('%o is none', (key, actual) => {
    const error = catchError(() => encodeKey(key as MessageKey, 'M'))
    expect(error).toMatchObject({ code: 'KEY_INVALID', manifest: 'M' })
    expect(error.message).toMatch(new RegExp(`got ${actual}\\.$`))
    expect(error.message).not.toContain('canary')
  })
})

describe('headers', () => {
  const encode = (...sources: unknown[]) =>
    encodeHeaders('M', ...(sources as MessageHeaders[]))?.map(([name, value]) => [name, String(value)])

  test('by name, in order, a list of values as one header each', () => {
    expect(encode({ b: 'text', a: Buffer.from('bytes'), many: ['1', new Uint8Array([0x32])] })).toEqual([
      ['b', 'text'],
      ['a', 'bytes'],
      ['many', '1'],
      ['many', '2'],
    ])
  })

  test('as pairs, names repeated, the order across names kept', () => {
    const pairs = [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ]
    expect(encode(pairs)).toEqual(pairs)
  })

  test('of several sources follow each other: one of a call does not replace one of the manifest', () => {
    expect(encode({ a: 'manifest' }, undefined, [['a', 'call']])).toEqual([
      ['a', 'manifest'],
      ['a', 'call'],
    ])
  })

  test('are undefined where no source has any', () => {
    expect(encode(undefined, undefined)).toBeUndefined()
  })

  test('an empty value is a value, an empty list none', () => {
    expect(encode({ empty: '', none: [] })).toEqual([['empty', '']])
  })

  test.each<[unknown, header: string, actual: string]>([
    [{ a: null }, '"a"', 'null'],
    [{ a: undefined }, '"a"', 'undefined'],
    [{ a: 5 }, '"a"', 'number'],
    [{ a: { secret: 'canary' } }, '"a"', 'object'],
    [{ a: ['ok', 5] }, '"a"', 'number'],
    [{ a: [['canary']] }, '"a"', 'array'],
    [{ '': 'canary' }, '(name)', 'an empty name'],
    [[['', 'canary']], '(name)', 'an empty name'],
    [[[5, 'canary']], '(name)', 'number'],
    [[['a']], '"a"', 'undefined'],
    [['canary'], '(pair)', 'string'],
    [[{ a: 'canary' }], '(pair)', 'object'],
    ['canary', '(all)', 'string'],
    [null, '(all)', 'null'],
    [new Map([['a', 'canary']]), '(all)', 'Map'],
    [Promise.resolve({ a: 'canary' }), '(all)', 'Promise'],
  ])('%o are refused', (headers, header, actual) => {
    const error = catchError(() => encode(headers))
    expect(error).toMatchObject({ code: 'HEADER_INVALID', manifest: 'M' })
    expect(error.message).toBe(`Header ${header} of M: expected a string or Buffer, got ${actual}.`)
  })

  test('count as the bytes of names and values', () => {
    expect(headerBytes(encodeHeaders('M', { ë: 'ü', ab: ['1', '23'] })!)).toBe(4 + 3 + 4)
    expect(headerBytes([])).toBe(0)
  })
})
