import { expect, test } from 'vitest'
import { readFetchAnswer } from '../../../src/driver/platformatic/fetch-answer.ts'

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
const byte = (value: number): Buffer => Buffer.from([value])
const join = (...parts: Buffer[]): Buffer => Buffer.concat(parts)
const records = Buffer.from('records')
const offsets = join(int64(9n), int64(8n), int64(0n))

const expected = {
  errorCode: 0,
  partitions: [
    {
      topic: 'orders',
      partition: 2,
      errorCode: 0,
      aborted: [{ producerId: 77n, firstOffset: 5 }],
      records,
    },
    { topic: 'orders', partition: 3, errorCode: 6, aborted: [], records: Buffer.alloc(0) },
  ],
}

test('version 11 is read by its letter', () => {
  const answer = join(
    join(int32(0), int16(0), int32(0), int32(1)),
    join(int16(6), Buffer.from('orders'), int32(2)),
    join(int32(2), int16(0), offsets, int32(1), int64(77n), int64(5n), int32(-1), int32(7), records),
    join(int32(3), int16(6), offsets, int32(-1), int32(-1), int32(-1)),
  )
  expect(readFetchAnswer(answer, 11)).toEqual(expected)
})

test('version 12 is compact, and tagged fields are passed over', () => {
  const leader = join(byte(1), byte(1), byte(8), int32(4), int32(1))
  const answer = join(
    join(int32(0), int16(0), int32(0), byte(2)),
    join(byte(7), Buffer.from('orders'), byte(3)),
    join(int32(2), int16(0), offsets, byte(2), int64(77n), int64(5n), byte(0), int32(-1), byte(8), records, byte(0)),
    join(int32(3), int16(6), offsets, byte(0), int32(-1), byte(0), leader),
    join(byte(0), byte(0)),
  )
  expect(readFetchAnswer(answer, 12)).toEqual(expected)
})

test('an answer that ends early is an error', () => {
  expect(() => readFetchAnswer(join(int32(0), int16(0), int32(0), int32(1), int16(60)), 11)).toThrow(RangeError)
})
