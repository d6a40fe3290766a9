/* oxlint-disable no-underscore-dangle -- the methods of avsc’s types that are overridden here are named so */
import { MessagingError } from '../errors/messaging-error.ts'
import type { AvroModule, AvroTap, AvroType, AvroTypeClass, WritableResolver } from './avsc-module.ts'

/** How an Avro long is shown: as a number, refused beyond ±(2^53 - 1), or as a bigint, all 64 bits of it. */
export type LongShape = 'number' | 'bigint'

/** Number types that lose nothing, in place of avsc’s. */
export interface ExactNumbers {
  readonly int: AvroType
  readonly long: AvroType
  /** A long as the other shape than `long`, for logical types that need their own. */
  readonly longs: Readonly<Record<LongShape, AvroType>>
  readonly float: AvroType
  readonly double: AvroType
}

// Up to here avsc’s floating-point zigzag is exact. Beyond, the sign bit falls off: avsc 5.7.9 writes
// -4503599627370497 as +4503599627370496, and reads what others wrote correctly the same wrong way.
const exactBelow = 2 ** 52

/**
 * avsc’s number types, with 64-bit longs exact in both directions.
 * avsc’s own hook for this (`LongType.__with`) makes one Buffer per long; these stay on its fast path below 2^52.
 */
export function createExactNumbers(avsc: AvroModule, shape: LongShape): ExactNumbers {
  const { IntType, LongType, FloatType, DoubleType } = avsc.types as unknown as Record<string, AvroTypeClass>

  class ExactInt extends IntType! {
    override _read(tap: AvroTap): number {
      const value = tap.readInt()
      if (value !== (value | 0)) throw outOfRange('an int', 'is outside its 32 bits')
      return value
    }
  }

  class NumberLong extends LongType! {
    override _check(value: unknown, _flags?: unknown, hook?: (value: unknown, type: unknown) => void): boolean {
      const valid = Number.isSafeInteger(value)
      if (!valid) hook?.(value, this)
      return valid
    }
    override _read(tap: AvroTap): number {
      const start = tap.pos
      const value = tap.readLong()
      if (value > -exactBelow && value < exactBelow) return value
      const exact = readExactly(tap, start)
      if (exact > Number.MAX_SAFE_INTEGER || exact < Number.MIN_SAFE_INTEGER) {
        throw outOfRange('a long', "is outside ±(2^53 - 1); read it with longs: 'bigint'")
      }
      return Number(exact)
    }
    override _write(tap: AvroTap, value: unknown): void {
      if (!Number.isSafeInteger(value)) throw new TypeError('no safe integer')
      if ((value as number) >= -exactBelow) tap.writeLong(value as number)
      else writeExactly(tap, BigInt(value as number))
    }
  }

  class BigIntLong extends LongType! {
    override _check(value: unknown, _flags?: unknown, hook?: (value: unknown, type: unknown) => void): boolean {
      const valid = typeof value === 'bigint' && BigInt.asIntN(64, value) === value
      if (!valid) hook?.(value, this)
      return valid
    }
    override _read(tap: AvroTap): bigint {
      const start = tap.pos
      const value = tap.readLong()
      return value > -exactBelow && value < exactBelow ? BigInt(value) : readExactly(tap, start)
    }
    override _write(tap: AvroTap, value: unknown): void {
      if (!this._check(value)) throw new TypeError('no 64-bit bigint')
      writeExactly(tap, value as bigint)
    }
    /** A default comes from JSON as a number. */
    override _copy(value: unknown): unknown {
      const copy = Number.isSafeInteger(value) ? BigInt(value as number) : value
      if (!this._check(copy)) throw new TypeError('no 64-bit integer')
      return copy
    }
    override _update(resolver: WritableResolver, writer: AvroType): void {
      if (writer.typeName === 'int') resolver._read = (tap: AvroTap) => BigInt(tap.readInt())
      else if (isLong(writer)) resolver._read = (tap: AvroTap) => this._read(tap)
    }
    override _deref(): string {
      return 'long'
    }
  }
  // Tells avsc’s unions to find this branch by its check, since bigint is none of the kinds they know.
  Object.assign(BigIntLong.prototype, { typeName: 'abstract:long', _concreteTypeName: 'long' })

  // avsc promotes a long to a floating-point number through the same inexact zigzag.
  const promoting = (Base: AvroTypeClass): AvroTypeClass =>
    class extends Base {
      override _update(resolver: WritableResolver, writer: AvroType): void {
        if (isLong(writer)) resolver._read = readAsDouble
        else super._update(resolver, writer)
      }
    }

  const longs = { number: new NumberLong(), bigint: new BigIntLong() }
  const [ExactFloat, ExactDouble] = [promoting(FloatType!), promoting(DoubleType!)]
  return { int: new ExactInt(), long: longs[shape], longs, float: new ExactFloat(), double: new ExactDouble() }
}

function isLong(type: AvroType): boolean {
  return type.typeName === 'long' || type.typeName === 'abstract:long'
}

function readAsDouble(tap: AvroTap): number {
  const start = tap.pos
  const value = tap.readLong()
  return value > -exactBelow && value < exactBelow ? value : Number(readExactly(tap, start))
}

/** Reads again what the tap has just passed over. Avro specification, “Binary Encoding”: zigzag, 7 bits a byte. */
function readExactly(tap: AvroTap, start: number): bigint {
  if (tap.pos > tap.buf.length) return 0n // avsc reports the early end
  let zigzag = 0n
  for (let at = tap.pos - 1; at >= start; at--) {
    zigzag = (zigzag << 7n) | BigInt(tap.buf[at]! & 0x7f)
    if (tap.pos - start > 10 || zigzag >= 1n << 64n) throw outOfRange('a long', 'is longer than 64 bits')
  }
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

function writeExactly(tap: AvroTap, value: bigint): void {
  if (value > -(2n ** 52n) && value < 2n ** 52n) return tap.writeLong(Number(value))
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  // Writing past the end is a no-op of the buffer; avsc sees the position and asks for a larger one.
  for (; zigzag > 0x7fn; zigzag >>= 7n) tap.buf[tap.pos++] = Number(zigzag & 0x7fn) | 0x80
  tap.buf[tap.pos++] = Number(zigzag)
}

function outOfRange(what: string, reason: string): MessagingError {
  return new MessagingError('PAYLOAD_UNDECODABLE', { format: 'Avro', reason: `${what} ${reason}` })
}
