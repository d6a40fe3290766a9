/* oxlint-disable no-underscore-dangle -- the methods of avsc’s taps and types are named so */
import { MessagingError } from '../errors/messaging-error.ts'
import {
  tapClassOf,
  type AvroResolver,
  type AvroTap,
  type AvroTapClass,
  type AvroType,
  type ReadAvro,
} from './avsc-module.ts'

/** How much one message may make the process build. */
export interface DecodeLimits {
  /** Size of a message. Default: 16 MiB, sixteen times what a broker takes by default. */
  readonly maxBytes: number
  /** Items of all its arrays and maps together. Default: 1,000,000. */
  readonly maxItems: number
  /** Of these, values in items that take no bytes: nulls, empty records. Default: 65,536. */
  readonly maxEmptyItems: number
  /** Levels to which records hold records of their own kind: lists, trees. Default: 256. */
  readonly maxDepth: number
}

export const defaultDecodeLimits: DecodeLimits = {
  maxBytes: 16 * 1024 * 1024,
  maxItems: 1_000_000,
  maxEmptyItems: 65_536,
  maxDepth: 256,
}

// avsc also reads what the process itself has written: `clone` of a record.
const unlimited: DecodeLimits = { maxBytes: Infinity, maxItems: Infinity, maxEmptyItems: Infinity, maxDepth: Infinity }

// State of the decoding under way. Decoding is synchronous, so there is only one at a time; it is kept here, and not
// handed from type to type, because avsc hands on nothing but its tap.
let { maxItems, maxEmptyItems, maxDepth } = unlimited
let items = 0
let emptyItems = 0
let depth = 0

/** Where the block just begun must end, or -1 where that is not said. */
export let blockEnd = -1

/**
 * Reads one message. What it claims is checked while avsc reads it, before anything is built for it.
 * @throws PAYLOAD_REJECTED, PAYLOAD_UNDECODABLE, or what avsc throws
 */
export function readWithin(within: DecodeLimits, source: AvroType | AvroResolver, tap: AvroTap): unknown {
  const { maxBytes } = within
  if (tap.buf.length > maxBytes) throw rejected(`${tap.buf.length} bytes are more than maxBytes, ${maxBytes}`)
  startCounting(within)
  try {
    return source._read(tap)
  } finally {
    startCounting(unlimited)
  }
}

function startCounting(limits: DecodeLimits): void {
  ;({ maxItems, maxEmptyItems, maxDepth } = limits)
  items = emptyItems = depth = 0
}

/** The tap to read with; made once, so that all readers meet taps of one shape. */
export function guardedTapClassOf(type: AvroType): AvroTapClass {
  return (GuardedTap ??= createGuardedTapClass(tapClassOf(type)))
}

let GuardedTap: AvroTapClass | undefined

function createGuardedTapClass(Tap: AvroTapClass): AvroTapClass {
  // oxlint-disable-next-line unbound-method -- it is called with the tap; `super` is slower
  const { readLong } = Tap.prototype as AvroTap
  return class extends Tap {
    override readLong(): number {
      // Most lengths, counts and indices are one byte. avsc's own loop, for the others, is too large to be inlined here.
      const byte = this.buf[this.pos]!
      if (byte < 0x80) {
        this.pos++
        return (byte >> 1) ^ -(byte & 1)
      }
      // avsc reads on past the end; with a schema of many levels it would be busy there for ever.
      if (this.pos >= this.buf.length) throw endsEarly()
      const value = readLong.call(this)
      // What avsc makes of 150 bytes of 80. As a length it would spoil the pool that avsc takes buffers from: all bytes
      // read afterwards, of any message, would be empty.
      if (Number.isNaN(value)) throw rejected('a number has too many digits')
      return value
    }
    override readInt(): number {
      return this.readLong()
    }
  }
}

/**
 * Begins the next block of an array or a map: gives the number of its items, 0 after the last block, and sets
 * `blockEnd`. Avro specification, “Arrays”. avsc builds what a count asks for before it finds that the items are not there.
 * @param emptyValues how many values an item is that takes no bytes; 0 for items that do take some
 */
export function beginBlock(tap: AvroTap, emptyValues: number): number {
  let count = tap.readLong()
  if (count === 0) return 0
  blockEnd = -1
  if (count < 0) {
    count = -count
    blockEnd = readBlockEnd(tap)
  }
  if (emptyValues === 0 && count > tap.buf.length - tap.pos) throw claimsTooMuch(tap, count)
  items += count
  if (items > maxItems) throw tooManyItems()
  if (emptyValues > 0) countEmptyItems(count * emptyValues)
  return count
}

function readBlockEnd(tap: AvroTap): number {
  const size = tap.readLong()
  const left = tap.buf.length - tap.pos
  if (size < 0 || size > left) throw rejected(`a block has a size of ${size} bytes, with ${left} left`)
  return tap.pos + size
}

function countEmptyItems(values: number): void {
  emptyItems += values
  if (emptyItems > maxEmptyItems) throw rejected(`more items take no bytes than maxEmptyItems, ${maxEmptyItems}`)
}

/** To be called after each item: one without counts and lengths would be read past the end as often as was claimed. */
export function checkEnd(tap: AvroTap): void {
  if (tap.pos > tap.buf.length) throw endsEarly()
}

/** @param mustEnd what `blockEnd` was when the block began */
export function endBlock(tap: AvroTap, mustEnd: number): void {
  if (mustEnd !== -1 && tap.pos !== mustEnd) throw wrongBlockSize()
}

export function skipBlocks(tap: AvroTap, emptyValues: number, skipItem: () => void): void {
  for (let count = beginBlock(tap, emptyValues); count !== 0; count = beginBlock(tap, emptyValues)) {
    const mustEnd = blockEnd
    for (; count > 0; count--) {
      skipItem()
      checkEnd(tap)
    }
    endBlock(tap, mustEnd)
  }
}

/** Counts one level more while `read` reads or skips a record that may hold others of its kind. */
export function limitDepth(read: ReadAvro): ReadAvro {
  return (tap, lazy) => {
    if (depth > maxDepth) throw tooDeep()
    depth++
    const value = read(tap, lazy)
    depth--
    return value
  }
}

// Errors are made in functions of their own, so that those above stay small enough to be inlined.

function claimsTooMuch(tap: AvroTap, count: number): MessagingError {
  return rejected(`a collection claims ${count} items, with ${tap.buf.length - tap.pos} bytes left`)
}

function tooManyItems(): MessagingError {
  return rejected(`there are more items than maxItems, ${maxItems}`)
}

function wrongBlockSize(): MessagingError {
  return rejected('a block does not end where its size says')
}

function tooDeep(): MessagingError {
  return rejected(`records are nested deeper than maxDepth, ${maxDepth}`)
}

function endsEarly(): MessagingError {
  return new MessagingError('PAYLOAD_UNDECODABLE', { format: 'Avro', reason: 'the body ends too early' })
}

function rejected(reason: string): MessagingError {
  return new MessagingError('PAYLOAD_REJECTED', { reason })
}
