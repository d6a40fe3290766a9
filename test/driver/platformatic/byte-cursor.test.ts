import { describe, expect, test } from 'vitest'
import { ByteCursor } from '../../../src/driver/platformatic/byte-cursor.ts'

describe('a cursor', () => {
  test('reads numbers of all lengths, one after another', () => {
    const bytes = Buffer.alloc(30)
    bytes.writeInt16BE(-2, 0)
    bytes.writeInt32BE(-70_000, 2)
    bytes.writeBigInt64BE(2n ** 53n - 1n, 6)
    bytes.writeBigInt64BE(-1n, 14)
    bytes.writeBigInt64BE(-(2n ** 60n), 22)
    const cursor = new ByteCursor(bytes)
    expect([cursor.int16(), cursor.int32(), cursor.int64(), cursor.int64()]).toEqual([
      -2,
      -70_000,
      Number.MAX_SAFE_INTEGER,
      -1,
    ])
    expect(cursor.bigint64()).toBe(-(2n ** 60n))
    expect(cursor.left).toBe(0)
  })

  test.each([
    [0, [0]],
    [-1, [1]],
    [63, [126]],
    [-64, [127]],
    [64, [128, 1]],
    [-65, [129, 1]],
    [2_147_483_647, [254, 255, 255, 255, 15]],
    [-2_147_483_648, [255, 255, 255, 255, 15]],
    [1_700_000_000_123, [246, 161, 164, 181, 249, 98]],
  ])('reads %d as a varint', (expected, bytes) => {
    const value = BigInt(expected)
    const zigzag = value >= 0n ? value * 2n : -value * 2n - 1n
    const written: number[] = []
    for (let rest = zigzag; ; rest >>= 7n) {
      written.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
      if (rest <= 0x7fn) break
    }
    if (expected < 2 ** 32) expect(written).toEqual(bytes)
    const cursor = new ByteCursor(Buffer.from(written))
    expect(cursor.varint()).toBe(expected)
    expect(cursor.left).toBe(0)
    expect(new ByteCursor(Buffer.from(written)).unsignedVarint()).toBe(Number(zigzag))
  })

  test('takes views of its bytes, and null for a negative length', () => {
    const bytes = Buffer.from([4, 10, 11, 1, 0])
    const cursor = new ByteCursor(bytes)
    const taken = cursor.varintBytes()!
    expect([...taken]).toEqual([10, 11])
    expect(taken.buffer).toBe(bytes.buffer)
    expect(cursor.varintBytes()).toBeNull()
    expect(cursor.varintBytes()).toHaveLength(0)
  })

  test('refuses to read beyond the end', () => {
    const cursor = (...bytes: number[]): ByteCursor => new ByteCursor(Buffer.from(bytes))
    expect(() => cursor(20, 1).varintBytes()).toThrow(RangeError)
    expect(() => cursor(1).skip(2)).toThrow(RangeError)
    expect(() => cursor(1).skip(-1)).toThrow(RangeError)
    expect(() => cursor(1, 2).int32()).toThrow(RangeError)
    expect(() => cursor(0x80, 0x80).varint()).toThrow(RangeError)
    expect(() => cursor(...Array.from({ length: 12 }, () => 0xff)).unsignedVarint()).toThrow(RangeError)
  })
})
