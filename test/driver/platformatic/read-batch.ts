export interface ReadRecord {
  readonly offsetDelta: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

export interface ReadBatch {
  readonly producerId: bigint
  readonly epoch: number
  readonly sequence: number
  readonly attributes: number
  readonly maxTimestamp: number
  readonly records: readonly ReadRecord[]
}

/** Reads a record batch by the letter of Kafka’s protocol (KIP-98), and fails where a broker would. */
export function readBatch(bytes: Buffer, decompress: (data: Buffer) => Buffer = (data) => data): ReadBatch {
  if (bytes.readInt32BE(8) !== bytes.length - 12) throw new Error('the length is wrong')
  if (bytes[16] !== 2) throw new Error('the version is wrong')
  if (bytes.readUInt32BE(17) !== crc32c(bytes.subarray(21))) throw new Error('the checksum is wrong')
  const count = bytes.readInt32BE(57)
  if (bytes.readInt32BE(23) !== count - 1) throw new Error('the last offset is wrong')
  const baseTimestamp = Number(bytes.readBigInt64BE(27))
  const body = decompress(bytes.subarray(61))
  let at = 0
  const varint = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = body[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return Number((value >> 1n) ^ -(value & 1n))
  }
  const take = (): Buffer | null => {
    const length = varint()
    if (length < 0) return null
    at += length
    return Buffer.from(body.subarray(at - length, at))
  }
  const records = Array.from({ length: count }, (): ReadRecord => {
    const length = varint()
    const end = at + length
    at++
    const timestamp = baseTimestamp + varint()
    const offsetDelta = varint()
    const [key, value] = [take(), take()]
    const headers = Array.from({ length: varint() }, () => [take()!.toString(), take()] as const)
    if (at !== end) throw new Error('the length of a record is wrong')
    return { offsetDelta, timestamp, key, value, headers }
  })
  if (at !== body.length) throw new Error('bytes are left over')
  return {
    producerId: bytes.readBigInt64BE(43),
    epoch: bytes.readInt16BE(51),
    sequence: bytes.readInt32BE(53),
    attributes: bytes.readInt16BE(21),
    maxTimestamp: Number(bytes.readBigInt64BE(35)),
    records,
  }
}

/** CRC-32C by its definition, bit by bit. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
