/** Reads Kafka’s protocol from bytes, one value after another. Throws a RangeError beyond their end. */
export class ByteCursor {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  int16(): number {
    this.at += 2
    return this.bytes.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  /** As a number: offsets and times stay below 2^53. */
  int64(): number {
    return this.int32() * 0x1_0000_0000 + this.uint32()
  }

  bigint64(): bigint {
    this.at += 8
    return this.bytes.readBigInt64BE(this.at - 8)
  }

  uint32(): number {
    this.at += 4
    return this.bytes.readUInt32BE(this.at - 4)
  }

  /** Seven bits a byte, the lowest first. */
  unsignedVarint(): number {
    const byte = this.bytes[this.at++]!
    return byte < 0x80 ? byte : this.#longVarint(byte)
  }

  /** The same, zigzag. */
  varint(): number {
    const byte = this.bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    const value = this.#longVarint(byte)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A view, not a copy. */
  take(length: number): Buffer {
    const start = this.at
    if (length < 0 || length > this.bytes.length - start) throw this.#endless()
    this.at = start + length
    return this.bytes.subarray(start, this.at)
  }

  skip(length: number): void {
    if (length < 0 || length > this.left) throw this.#endless()
    this.at += length
  }

  /** Length and bytes of a record’s key, value or header; a negative length is null. */
  varintBytes(): Buffer | null {
    const length = this.varint()
    return length < 0 ? null : this.take(length)
  }

  // Not by shifting alone: a difference of times may need more than 32 bits.
  #longVarint(first: number): number {
    let value = first & 0x7f
    let factor = 128
    for (let count = 1; count < 10; count++) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw this.#endless()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
    throw new RangeError(`a number at byte ${this.at} has no end`)
  }

  #endless(): RangeError {
    return new RangeError(`more than the ${this.bytes.length} bytes that are there is asked for at byte ${this.at}`)
  }
}
