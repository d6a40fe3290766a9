import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import * as fc from '../../fast-check.ts'
import { describe, expect, test } from 'vitest'
import type { DriverMessage } from '../../../src/driver/driver.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { RecordBatch } from '../../../src/driver/platformatic/record-batch.ts'
import { readBatch } from './read-batch.ts'

const library = await loadPlatformaticModule()

const settlement = { settle: () => undefined }

function message(part: Partial<DriverMessage> = {}): DriverMessage {
  return { topic: 't', partition: 0, timestamp: 0, key: null, value: null, headers: undefined, ...part }
}

function write(messages: readonly DriverMessage[], maxBytes = Infinity): RecordBatch {
  const batch = new RecordBatch(0)
  for (const each of messages) batch.append(each, each.timestamp, settlement, maxBytes)
  return batch
}

const seal = (batch: RecordBatch) => batch.seal(library, undefined, undefined, 0)

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const anyMessage = fc.record({
  topic: fc.constant('t'),
  partition: fc.constant(0),
  timestamp: fc.integer({ min: 0, max: 2 ** 39 }),
  key: fc.option(bytes),
  value: fc.option(
    fc.oneof(
      bytes,
      fc.integer({ min: 8000, max: 20_000 }).map((length) => Buffer.alloc(length, 'v')),
    ),
  ),
  headers: fc.option(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), bytes), { maxLength: 3 }), { nil: undefined }),
})

describe('a batch', () => {
  test('holds what it was given, byte for byte, for any messages', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 150 }), (messages) => {
        const { records, maxTimestamp } = readBatch(seal(write(messages)))
        expect(records).toEqual(
          messages.map(({ key, value, timestamp, headers }, offsetDelta) => ({
            offsetDelta,
            timestamp,
            key,
            value,
            headers: headers ?? [],
          })),
        )
        expect(maxTimestamp).toBe(Math.max(...messages.map(({ timestamp }) => timestamp)))
      }),
      { numRuns: 50 },
    )
  })

  test('picks some of its records, for any batch', () => {
    fc.assert(
      fc.property(
        fc.array(anyMessage, { minLength: 1, maxLength: 150 }),
        fc.integer({ min: 2, max: 5 }),
        (messages, n) => {
          const batch = write(messages)
          seal(batch)
          const picked = batch.pick((index) => index % n === 0)
          const wanted = messages.filter((_, index) => index % n === 0)
          const { records, maxTimestamp } = readBatch(seal(picked))
          expect(records.map(({ key, value, timestamp }) => ({ key, value, timestamp }))).toEqual(
            wanted.map(({ key, value, timestamp }) => ({ key, value, timestamp })),
          )
          expect(records.map(({ offsetDelta }) => offsetDelta)).toEqual([...wanted.keys()])
          expect(maxTimestamp).toBe(Math.max(...wanted.map(({ timestamp }) => timestamp)))
          expect(picked.timestamps).toEqual(wanted.map(({ timestamp }) => timestamp))
          expect(picked.count).toBe(wanted.length)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('takes a first message of any size, and others as long as they fit', () => {
    const batch = new RecordBatch(0)
    const large = message({ value: Buffer.alloc(5000) })
    expect(batch.append(large, 0, settlement, 1000)).toBe(true)
    expect(batch.append(message({ value: Buffer.alloc(1) }), 0, settlement, 1000)).toBe(false)
    expect(readBatch(seal(batch)).records).toHaveLength(1)
  })

  test('takes no message of another age of the world', () => {
    const batch = write([message({ timestamp: 0 })])
    expect(batch.append(message({ timestamp: 2 ** 41 }), 2 ** 41, settlement, Infinity)).toBe(false)
  })

  test('names its producer and its number, or that there is none', () => {
    const named = write([message()]).seal(library, undefined, { producerId: 4711n, epoch: 3 }, 99)
    expect(readBatch(named)).toMatchObject({ producerId: 4711n, epoch: 3, sequence: 99 })
    expect(readBatch(seal(write([message()])))).toMatchObject({ producerId: -1n, epoch: -1, sequence: -1 })
  })

  test('is the same bytes again for a retry, and is closed then', () => {
    const batch = write([message()])
    expect(batch.isSealed).toBe(false)
    expect(seal(batch)).toBe(seal(batch))
    expect(batch.isSealed).toBe(true)
  })

  test.each([
    ['gzip', 1, gunzipSync],
    ['zstd', 4, zstdDecompressSync],
  ] as const)('is compressed by %s behind its header', (name, bitmask, decompress) => {
    const messages = Array.from({ length: 100 }, () => message({ value: Buffer.from('the same again') }))
    const sealed = write(messages).seal(library, library.compressionsAlgorithms[name], undefined, 0)
    expect(sealed.length).toBeLessThan(500)
    const { attributes, records } = readBatch(sealed, decompress)
    expect(attributes).toBe(bitmask)
    expect(records).toHaveLength(100)
  })
})
