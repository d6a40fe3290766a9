import type { ConsumedMessage, TopicPartition } from '../driver-consumer.ts'
import type { DriverHeader } from '../driver.ts'
import { ByteCursor } from './byte-cursor.ts'
import type { LibraryCompression } from './platformatic-module.ts'

/** From this offset on, what the producer has written in transactions is aborted, up to its next marker of an end. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

export interface RecordReaderParts {
  readonly partition: TopicPartition
  /** By the number in the attributes of a batch. */
  readonly compressions: ReadonlyMap<number, LibraryCompression>
  /** Whole batches, the last one maybe cut off. Messages are views of them: they live as long as any of these. */
  readonly bytes: Buffer
  /** What comes before is left out; a batch is stored, and sent, as a whole. */
  readonly position: number
  /** Given where only what is committed is wanted. */
  readonly aborted: readonly AbortedTransaction[] | undefined
}

/** Kafka’s record batch: what comes before the records, by position. */
const batchHeader = {
  length: 8,
  magic: 16,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  bytes: 61,
} as const
/** The length counts from behind itself. */
const lengthEnd = 12
const attribute = { compression: 0b111, logAppendTime: 0b1000, transactional: 0b1_0000, control: 0b10_0000 } as const
const abortMarker = 0
const magicNow = 2
const nothing: readonly AbortedTransaction[] = []

/** The records of one partition in one answer, decoded when they are taken. */
export class RecordReader {
  /** Held in memory until all are taken. */
  readonly byteLength: number
  /** The offset behind the last whole batch. */
  readonly end: number
  /** Of the record that is next. */
  position: number
  readonly #topic: string
  readonly #partition: number
  readonly #compressions: RecordReaderParts['compressions']
  readonly #bytes: Buffer
  /** Where the whole batches end. */
  readonly #limit: number
  readonly #waiting: AbortedTransaction[]
  readonly #aborting = new Set<bigint>()
  readonly #wantsCommitted: boolean
  /** Where the next batch begins. */
  #next = 0
  #records: ByteCursor | undefined
  #left = 0
  #baseOffset = 0
  #baseTimestamp = 0
  /** The time of all records, where the broker sets it. */
  #appendedAt: number | undefined
  #batchEnd = 0

  constructor({ partition, compressions, bytes, position, aborted }: RecordReaderParts) {
    this.#topic = partition.topic
    this.#partition = partition.partition
    this.#compressions = compressions
    this.#bytes = bytes
    this.position = position
    this.#wantsCommitted = aborted !== undefined
    this.#waiting = (aborted ?? nothing).toSorted((a, b) => a.firstOffset - b.firstOffset)
    this.byteLength = bytes.length
    let end = position
    let at = 0
    for (let next = this.#endOf(at); next !== undefined; next = this.#endOf(at)) {
      end = this.#lastOffsetOf(at) + 1
      at = next
    }
    this.#limit = at
    this.end = Math.max(position, end)
  }

  get isDone(): boolean {
    return this.#left === 0 && this.#next >= this.#limit
  }

  /** Appends messages until there are `max`, or no more. @throws Error for bytes that cannot be read; then the position is that of their batch */
  read(max: number, into: ConsumedMessage[]): void {
    while (into.length < max) {
      if (this.#left > 0) this.#readRecords(max, into)
      else if (this.#next < this.#limit) this.#openBatch()
      else return
    }
  }

  #readRecords(max: number, into: ConsumedMessage[]): void {
    const cursor = this.#records!
    const topic = this.#topic
    const partition = this.#partition
    while (this.#left > 0 && into.length < max) {
      const length = cursor.varint()
      const end = cursor.at + length
      // Attributes, which no version uses.
      cursor.at++
      const timestamp = this.#baseTimestamp + cursor.varint()
      const offset = this.#baseOffset + cursor.varint()
      this.#left--
      if (offset < this.position) {
        cursor.skip(end - cursor.at)
      } else {
        const key = cursor.varintBytes()
        const value = cursor.varintBytes()
        const count = cursor.varint()
        const headers = count > 0 ? readHeaders(cursor, count) : undefined
        if (cursor.at !== end) throw new RangeError(`the record at offset ${offset} is not as long as it says`)
        into.push({ topic, partition, offset, timestamp: this.#appendedAt ?? timestamp, key, value, headers })
        this.position = offset + 1
      }
    }
    if (this.#left > 0) return
    // Records that compaction took away leave a gap at the end.
    this.position = Math.max(this.position, this.#batchEnd)
    this.#records = undefined
  }

  #openBatch(): void {
    const start = this.#next
    const bytes = this.#bytes
    const end = this.#endOf(start)!
    const lastOffset = this.#lastOffsetOf(start)
    const attributes = bytes.readInt16BE(start + batchHeader.attributes)
    const isWanted = lastOffset >= this.position && !this.#isLeftOut(start, attributes, lastOffset)
    if (isWanted) {
      this.#records = this.#open(start, end, attributes)
      this.#left = bytes.readInt32BE(start + batchHeader.count)
      this.#baseOffset = readInt64(bytes, start)
      this.#baseTimestamp = readInt64(bytes, start + batchHeader.baseTimestamp)
      const isAppendTime = (attributes & attribute.logAppendTime) !== 0
      this.#appendedAt = isAppendTime ? readInt64(bytes, start + batchHeader.maxTimestamp) : undefined
      this.#batchEnd = lastOffset + 1
    }
    this.#next = end
    if (this.#left === 0) this.position = Math.max(this.position, lastOffset + 1)
  }

  /** Markers of transactions are no messages, and neither is what an aborted one has written, where that is not wanted. */
  #isLeftOut(start: number, attributes: number, lastOffset: number): boolean {
    const isControl = (attributes & attribute.control) !== 0
    const isTransactional = (attributes & attribute.transactional) !== 0
    if (!this.#wantsCommitted || !isTransactional) return isControl
    const producerId = this.#bytes.readBigInt64BE(start + batchHeader.producerId)
    for (let next = this.#waiting[0]; next && next.firstOffset <= lastOffset; next = this.#waiting[0]) {
      this.#aborting.add(next.producerId)
      this.#waiting.shift()
    }
    if (!isControl) return this.#aborting.has(producerId)
    const record = new ByteCursor(this.#bytes, start + batchHeader.bytes)
    record.varint()
    record.at++
    record.varint()
    record.varint()
    const type = record.varintBytes()?.readInt16BE(2)
    if (type === abortMarker) this.#aborting.delete(producerId)
    return true
  }

  #open(start: number, end: number, attributes: number): ByteCursor {
    const records = this.#bytes.subarray(start + batchHeader.bytes, end)
    const number = attributes & attribute.compression
    if (number === 0) return new ByteCursor(records)
    const compression = this.#compressions.get(number)
    if (!compression?.available) {
      throw new Error(
        `they are compressed in a way that this version of Node or of the library cannot read (${number})`,
      )
    }
    return new ByteCursor(compression.decompressSync(records))
  }

  /** Where the batch ends that begins there; undefined if it is not there as a whole. */
  #endOf(start: number): number | undefined {
    const bytes = this.#bytes
    if (bytes.length - start < batchHeader.bytes) return undefined
    const magic = bytes[start + batchHeader.magic]!
    const length = bytes.readInt32BE(start + batchHeader.length)
    if (magic !== magicNow || length < batchHeader.bytes - lengthEnd) {
      throw new RangeError(`no record batch of version ${magicNow} (Kafka 0.11 and later), but of version ${magic}`)
    }
    const end = start + lengthEnd + length
    return end <= bytes.length ? end : undefined
  }

  #lastOffsetOf(start: number): number {
    return readInt64(this.#bytes, start) + this.#bytes.readInt32BE(start + batchHeader.lastOffsetDelta)
  }
}

function readHeaders(cursor: ByteCursor, count: number): DriverHeader[] {
  const headers: DriverHeader[] = []
  for (let index = 0; index < count; index++) {
    const name = cursor.varintBytes()?.toString() ?? ''
    headers.push([name, cursor.varintBytes() ?? Buffer.alloc(0)])
  }
  return headers
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
}
