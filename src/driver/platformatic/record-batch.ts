import type { DriverHeader, DriverMessage, Settlement } from '../driver.ts'
import type { LibraryCompression, PlatformaticModule } from './platformatic-module.ts'

/** Who a batch comes from, for a broker that drops what a retry would duplicate (KIP-98). */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

/** Kafka’s record batch, version 2: 61 bytes, then the records. Positions of the header fields that are written. */
const header = {
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  epoch: 51,
  sequence: 53,
  count: 57,
  bytes: 61,
} as const
/** What a record needs besides key, value and headers, at most: length, attributes, two deltas, three counts. */
const recordOverheadBytes = 40
const headerOverheadBytes = 10
const firstCapacityBytes = 4096
/** A record further away in time would not fit the arithmetic below. */
const farAwayMs = 2 ** 40

/** Messages of one partition, in the bytes that go to the broker: they are written when a message comes, not when it leaves. */
export class RecordBatch {
  readonly settlements: Settlement[] = []
  readonly timestamps: number[] = []
  /** When its first message came, by `performance.now()`. */
  readonly createdAtMs: number
  length: number = header.bytes
  #bytes: Buffer
  #baseTimestamp = 0
  #maxTimestamp = 0
  #payload: Buffer | undefined

  constructor(createdAtMs: number, capacityBytes = firstCapacityBytes) {
    this.createdAtMs = createdAtMs
    this.#bytes = Buffer.allocUnsafe(capacityBytes)
  }

  get count(): number {
    return this.settlements.length
  }

  /** It was sent once, and takes no more. */
  get isSealed(): boolean {
    return this.#payload !== undefined
  }

  /** False if it has no room: then nothing was written. A first message always has. */
  append(message: DriverMessage, timestamp: number, settlement: Settlement, maxBytes: number): boolean {
    const { key, value, headers } = message
    const needed = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0) + sizeOfHeaders(headers)
    if (this.count === 0) this.#baseTimestamp = this.#maxTimestamp = timestamp
    else if (this.length + needed > maxBytes || Math.abs(timestamp - this.#baseTimestamp) > farAwayMs) return false
    this.#reserve(needed)
    const start = this.length
    // Its length is known at the end only. Most are below 8 KiB, so two bytes are kept free for it.
    let at = start + 2
    const bytes = this.#bytes
    bytes[at++] = 0
    at = writeVarint(bytes, at, timestamp - this.#baseTimestamp)
    at = writeVarint(bytes, at, this.count)
    at = writeBytes(bytes, at, key)
    at = writeBytes(bytes, at, value)
    at = writeVarint(bytes, at, headers?.length ?? 0)
    if (headers !== undefined) for (const entry of headers) at = writeHeader(bytes, at, entry)
    this.#writeLength(start, at)
    this.settlements.push(settlement)
    this.timestamps.push(timestamp)
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    return true
  }

  /** The batch as it is sent. Later calls, for a retry, give the same bytes. */
  seal(
    { Writer, crc32c }: Pick<PlatformaticModule, 'Writer' | 'crc32c'>,
    compression: LibraryCompression | undefined,
    identity: ProducerIdentity | undefined,
    sequence: number,
  ): Buffer {
    if (this.#payload) return this.#payload
    let bytes = this.#bytes.subarray(0, this.length)
    if (compression)
      bytes = Buffer.concat([bytes.subarray(0, header.bytes), compression.compressSync(bytes.subarray(header.bytes))])
    bytes.fill(0, 0, header.batchLength)
    bytes.writeInt32BE(bytes.length - header.leaderEpoch, header.batchLength)
    bytes.writeInt32BE(-1, header.leaderEpoch)
    bytes[header.magic] = 2
    bytes.writeInt16BE(compression?.bitmask ?? 0, header.attributes)
    bytes.writeInt32BE(this.count - 1, header.lastOffsetDelta)
    bytes.writeBigInt64BE(BigInt(this.#baseTimestamp), header.baseTimestamp)
    bytes.writeBigInt64BE(BigInt(this.#maxTimestamp), header.maxTimestamp)
    bytes.writeBigInt64BE(identity?.producerId ?? -1n, header.producerId)
    bytes.writeInt16BE(identity?.epoch ?? -1, header.epoch)
    bytes.writeInt32BE(identity ? sequence : -1, header.sequence)
    bytes.writeInt32BE(this.count, header.count)
    // As the library's own kind of buffer: it would copy any other.
    const checked = Writer.create().append(bytes.subarray(header.attributes)).dynamicBuffer
    bytes.writeUInt32BE(crc32c(checked) >>> 0, header.crc)
    this.#payload = bytes
    return bytes
  }

  /** A new batch of those records that `isWanted` names by their index, in the same order. */
  pick(isWanted: (index: number) => boolean): RecordBatch {
    const picked = new RecordBatch(this.createdAtMs, this.length + recordOverheadBytes)
    picked.#baseTimestamp = this.#baseTimestamp
    let at: number = header.bytes
    for (let index = 0; index < this.count; index++) {
      const length = readVarint(this.#bytes, at)
      const end = length.next + length.value
      if (isWanted(index)) picked.#take(this, length.next, end, index)
      at = end
    }
    return picked
  }

  #take(from: RecordBatch, start: number, end: number, index: number): void {
    const offsetDelta = skipVarint(from.#bytes, start + 1)
    const rest = skipVarint(from.#bytes, offsetDelta)
    const first = this.length
    let at = first + 2
    // Attributes and time stay as they are, since the base time does; only its number in the batch is new.
    at += from.#bytes.copy(this.#bytes, at, start, offsetDelta)
    at = writeVarint(this.#bytes, at, this.count)
    at += from.#bytes.copy(this.#bytes, at, rest, end)
    this.#writeLength(first, at)
    const timestamp = from.timestamps[index]!
    this.settlements.push(from.settlements[index]!)
    this.timestamps.push(timestamp)
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
  }

  /** Puts the length before the record that was written from `start + 2` to `end`. */
  #writeLength(start: number, end: number): void {
    const length = end - start - 2
    const size = sizeOfVarint(length)
    if (size !== 2) this.#bytes.copyWithin(start + size, start + 2, end)
    writeVarint(this.#bytes, start, length)
    this.length = end - 2 + size
  }

  #reserve(needed: number): void {
    if (this.length + needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + needed))
    this.#bytes.copy(grown, 0, 0, this.length)
    this.#bytes = grown
  }
}

function sizeOfHeaders(headers: readonly DriverHeader[] | undefined): number {
  if (headers === undefined) return 0
  let size = 0
  // At most three bytes of UTF-8 for each unit of a string.
  for (const [name, value] of headers) size += headerOverheadBytes + name.length * 3 + value.length
  return size
}

function writeHeader(bytes: Buffer, at: number, [name, value]: DriverHeader): number {
  at = writeVarint(bytes, at, Buffer.byteLength(name))
  at += bytes.write(name, at)
  return writeBytes(bytes, at, value)
}

function writeBytes(bytes: Buffer, at: number, value: Buffer | null): number {
  if (value === null) return writeVarint(bytes, at, -1)
  at = writeVarint(bytes, at, value.length)
  bytes.set(value, at)
  return at + value.length
}

/** Zigzag, seven bits a byte. Numbers, since a difference of times may need more than 32 bits, and bigints are slow. */
function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest >= 0x80000000) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = value * 2; rest >= 0x80; rest = Math.floor(rest / 128)) size++
  return size
}

function readVarint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0
  let shift = 0
  for (;;) {
    const byte = bytes[at++]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return { value: value >>> 1, next: at }
    shift += 7
  }
}

function skipVarint(bytes: Buffer, at: number): number {
  while (bytes[at]! >= 0x80) at++
  return at + 1
}
