import { describe, expect, test } from 'vitest'
import type { ConsumedMessage } from '../../../src/driver/driver-consumer.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { RecordReader, type AbortedTransaction } from '../../../src/driver/platformatic/record-reader.ts'
import { textBatch, transactionBatch, transactionEnd, writeBatch } from './write-batch.ts'

const library = await loadPlatformaticModule()
const compressions = new Map(Object.values(library.compressionsAlgorithms).map((each) => [each.bitmask, each]))

function readerOf(batches: readonly Buffer[], position = 0, aborted?: readonly AbortedTransaction[]): RecordReader {
  const partition = { topic: 'orders', partition: 3 }
  return new RecordReader({ partition, compressions, bytes: Buffer.concat(batches), position, aborted })
}

function readAll(reader: RecordReader, max = 1000): ConsumedMessage[] {
  const messages: ConsumedMessage[] = []
  reader.read(max, messages)
  return messages
}

const textsOf = (messages: readonly ConsumedMessage[]): string[] => messages.map(({ value }) => String(value))

describe('records', () => {
  test('come as they were written: key, value, headers and time, empty or absent', () => {
    const headers = [
      ['größe', Buffer.from('ß')],
      ['empty', Buffer.alloc(0)],
    ] as const
    const long = Buffer.alloc(20_000, 7)
    const batch = writeBatch({
      offset: 2 ** 40,
      messages: [
        { key: Buffer.from('k'), value: long, headers, timestamp: 1_700_000_000_000 },
        { value: Buffer.alloc(0), timestamp: 1_600_000_000_123 },
        { key: Buffer.alloc(0), timestamp: 1_700_000_000_001 },
      ],
    })
    const reader = readerOf([batch], 2 ** 40)
    expect(readAll(reader)).toEqual([
      {
        topic: 'orders',
        partition: 3,
        offset: 2 ** 40,
        timestamp: 1_700_000_000_000,
        key: Buffer.from('k'),
        value: long,
        headers,
      },
      {
        topic: 'orders',
        partition: 3,
        offset: 2 ** 40 + 1,
        timestamp: 1_600_000_000_123,
        key: null,
        value: Buffer.alloc(0),
        headers: undefined,
      },
      {
        topic: 'orders',
        partition: 3,
        offset: 2 ** 40 + 2,
        timestamp: 1_700_000_000_001,
        key: Buffer.alloc(0),
        value: null,
        headers: undefined,
      },
    ])
    expect([reader.isDone, reader.position, reader.end]).toEqual([true, 2 ** 40 + 3, 2 ** 40 + 3])
  })

  test('are read as far as is wanted, over the borders of batches, and go on there', () => {
    const reader = readerOf([textBatch(0, ['a', 'b', 'c']), textBatch(3, ['d', 'e'])])
    expect([textsOf(readAll(reader, 2)), reader.position]).toEqual([['a', 'b'], 2])
    expect([textsOf(readAll(reader, 2)), reader.isDone]).toEqual([['c', 'd'], false])
    expect([textsOf(readAll(reader, 2)), reader.isDone]).toEqual([['e'], true])
    expect(readAll(reader)).toEqual([])
  })

  test('before the position are left out: batches come whole', () => {
    const batches = [textBatch(0, ['a', 'b']), textBatch(2, ['c', 'd', 'e'])]
    expect(textsOf(readAll(readerOf(batches, 3)))).toEqual(['d', 'e'])
  })

  test('a batch that is cut off at the end waits for the next answer', () => {
    const last = textBatch(2, ['c'])
    for (const length of [1, 60, last.length - 1]) {
      const reader = readerOf([textBatch(0, ['a', 'b']), last.subarray(0, length)])
      expect([textsOf(readAll(reader)), reader.isDone, reader.end]).toEqual([['a', 'b'], true, 2])
    }
    const nothing = readerOf([last.subarray(0, 30)], 2)
    expect([nothing.isDone, nothing.end]).toEqual([true, 2])
  })

  test('what compaction took away is passed over', () => {
    const reader = readerOf([textBatch(0, ['a'], { lastOffsetDelta: 9 }), textBatch(10, ['b'], { lastOffsetDelta: 4 })])
    expect(readAll(reader, 1)).toHaveLength(1)
    expect(reader.position).toBe(10)
    expect(readAll(reader).map(({ offset }) => offset)).toEqual([10])
    expect([reader.position, reader.end]).toEqual([15, 15])
  })

  test('have the time of the broker where it sets one', () => {
    const messages = [{ timestamp: 5000 }, { timestamp: 7000 }]
    const appended = writeBatch({ offset: 0, messages, attributes: 0b1000 })
    expect(readAll(readerOf([appended])).map(({ timestamp }) => timestamp)).toEqual([7000, 7000])
  })
})

describe('compression', () => {
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('%s is read', (compression) => {
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`)
    const reader = readerOf([textBatch(0, texts, { compression }), textBatch(200, ['plain'])])
    expect(textsOf(readAll(reader))).toEqual([...texts, 'plain'])
  })

  test('that is not known, or bytes that are no such thing, are an error; what comes before was read', () => {
    for (const attributes of [7, 1, 4]) {
      const reader = readerOf([textBatch(0, ['a']), textBatch(1, ['b'], { attributes })])
      const messages: ConsumedMessage[] = []
      expect(() => reader.read(10, messages)).toThrow()
      expect([textsOf(messages), reader.position]).toEqual([['a'], 1])
    }
  })
})

describe('bytes that are not what they say', () => {
  test('an older format is named', () => {
    const old = textBatch(0, ['a'])
    old[16] = 1
    expect(() => readerOf([old])).toThrow('of version 1')
  })

  test('a record of a wrong length is an error', () => {
    const batch = textBatch(0, ['abc'])
    batch[61] = batch[61]! + 2
    expect(() => readAll(readerOf([batch]))).toThrow(RangeError)
  })
})

describe('transactions', () => {
  const log = [
    transactionBatch(0, ['aborted'], 1n),
    textBatch(1, ['plain']),
    transactionBatch(2, ['committed'], 2n),
    transactionEnd(3, 1n, 'abort'),
    transactionBatch(4, ['again'], 1n),
    transactionEnd(5, 2n, 'commit'),
    transactionEnd(6, 1n, 'commit'),
    transactionBatch(7, ['aborted too'], 1n),
  ]
  const aborted = [
    // Not in order, and the marker of one comes with a later answer.
    { producerId: 1n, firstOffset: 7 },
    { producerId: 1n, firstOffset: 0 },
  ]

  test('that were aborted are left out, each up to its own end; markers are no messages', () => {
    const reader = readerOf(log, 0, aborted)
    expect(textsOf(readAll(reader))).toEqual(['plain', 'committed', 'again'])
    expect(reader.position).toBe(8)
  })

  test('are all there for who wants what is not committed', () => {
    expect(textsOf(readAll(readerOf(log)))).toEqual(['aborted', 'plain', 'committed', 'again', 'aborted too'])
  })
})
