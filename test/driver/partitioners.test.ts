import { readFileSync } from 'node:fs'
import * as fc from '../fast-check.ts'
import { expect, test } from 'vitest'
import { murmur2, partitionByCrc32, partitionByMurmur2 } from '../../src/driver/partitioners.ts'

const file = new URL('../fixtures/murmur2/vectors.json', import.meta.url)
const { partitionCounts, vectors } = JSON.parse(readFileSync(file, 'utf8')) as {
  partitionCounts: number[]
  vectors: { key: string; murmur2: number; partitions: number[] }[]
}

test('there are vectors of the Java client for every tail length and both signs', () => {
  const keys = vectors.map(({ key }) => Buffer.from(key, 'base64'))
  expect(new Set(keys.map((key) => key.length % 4))).toEqual(new Set([0, 1, 2, 3]))
  expect(new Set(vectors.map((vector) => Math.sign(vector.murmur2)))).toEqual(new Set([1, -1]))
  expect(keys.some((key) => key.some((byte) => byte > 127))).toBe(true)
})

test.each(vectors)('murmur2 of $key is what Java says', ({ key, murmur2: expected, partitions }) => {
  const bytes = Buffer.from(key, 'base64')
  expect(murmur2(bytes)).toBe(expected)
  expect(partitionCounts.map((count) => partitionByMurmur2(bytes, count))).toEqual(partitions)
})

test('a plain Uint8Array and a view into a larger buffer give the hash of their bytes', () => {
  const bytes = Buffer.from('order-4711')
  const view = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]).subarray(2, -2)
  expect(murmur2(new Uint8Array(bytes))).toBe(murmur2(bytes))
  expect(murmur2(view)).toBe(murmur2(bytes))
})

// Check value of CRC-32 (ISO 3309), as zlib and librdkafka compute it: crc32("123456789") = 0xcbf43926.
test('crc32 is unsigned, as librdkafka takes it', () => {
  expect(partitionByCrc32(Buffer.from('123456789'), 2 ** 32)).toBe(0xcbf43926)
  expect(partitionByCrc32(Buffer.from('123456789'), 12)).toBe(0xcbf43926 % 12)
})

test('every key has one partition, inside the range, whatever the partitioner', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 10_000 }), (key, partitions) => {
      for (const partitionBy of [partitionByMurmur2, partitionByCrc32]) {
        const partition = partitionBy(key, partitions)
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true)
        expect(partitionBy(Buffer.from(key), partitions)).toBe(partition)
      }
    }),
  )
})
