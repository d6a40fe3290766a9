import { expect, test } from 'vitest'
import type { ConsumedMessage } from '../../../src/driver/driver-consumer.ts'
import { PartitionFeed } from '../../../src/driver/platformatic/partition-feed.ts'
import { RecordReader } from '../../../src/driver/platformatic/record-reader.ts'
import { textBatch } from './write-batch.ts'

function readerAt(offset: number, texts: readonly string[], attributes = 0): RecordReader {
  const partition = { topic: 't', partition: 0 }
  const bytes = textBatch(offset, texts, { attributes })
  return new RecordReader({ partition, compressions: new Map(), bytes, position: offset, aborted: undefined })
}

function feedAt(offset: number): PartitionFeed {
  const feed = new PartitionFeed({ topic: 't', partition: 0 })
  feed.moveTo(offset)
  return feed
}

test('what was fetched is handed over in order; the next fetch begins behind it', () => {
  const feed = feedAt(0)
  feed.add(readerAt(0, ['a', 'b']))
  feed.add(readerAt(2, ['c', 'd']))
  expect([feed.fetchOffset, feed.position, feed.isEmpty]).toEqual([4, 0, false])
  const held = feed.byteLength
  const taken: ConsumedMessage[] = []
  feed.take(3, taken)
  expect(taken.map(({ value }) => String(value))).toEqual(['a', 'b', 'c'])
  expect([feed.position, feed.fetchOffset]).toEqual([3, 4])
  expect(feed.byteLength).toBe(held / 2)
  feed.take(10, taken)
  expect([feed.isEmpty, feed.byteLength, feed.position]).toEqual([true, 0, 4])
})

test('a move drops what was fetched and what is on its way', () => {
  const feed = feedAt(0)
  feed.add(readerAt(0, ['a', 'b']))
  feed.take(1, [])
  const { version } = feed
  feed.drop()
  expect([feed.isEmpty, feed.byteLength, feed.position, feed.fetchOffset]).toEqual([true, 0, 1, 1])
  feed.moveTo(7)
  expect([feed.position, feed.fetchOffset, feed.version > version]).toEqual([7, 7, true])
  feed.findAt('earliest')
  expect([feed.position, feed.fetchOffset, feed.start]).toEqual([undefined, undefined, 'earliest'])
})

test('bytes that cannot be read are an error at the position of their batch', () => {
  const feed = feedAt(0)
  feed.add(readerAt(0, ['a']))
  feed.add(readerAt(1, ['b'], 3))
  const taken: ConsumedMessage[] = []
  expect(() => feed.take(10, taken)).toThrow('compressed')
  expect([taken.length, feed.position]).toEqual([1, 1])
})
