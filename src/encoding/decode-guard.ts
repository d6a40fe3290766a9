import { MessagingError } from '../errors/messaging-error.ts'
import type { AvroType } from './avsc-module.ts'
import { compileScan, op, type OpCode, type ScanProgram } from './scan-program.ts'

/** How much one message may make the process build. */
export interface DecodeLimits {
  /** Size of a message. Default: 16 MiB, sixteen times what a broker takes by default. */
  readonly maxBytes: number
  /** Items of all its arrays and maps together. Default: 1,000,000. */
  readonly maxItems: number
  /** Of these, items that take no bytes: nulls, empty records. Default: 65,536. */
  readonly maxEmptyItems: number
  /** Levels of nesting: items in collections, branches in unions, records that the schema uses again. Default: 256. */
  readonly maxDepth: number
}

export const defaultDecodeLimits: DecodeLimits = {
  maxBytes: 16 * 1024 * 1024,
  maxItems: 1_000_000,
  maxEmptyItems: 65_536,
  maxDepth: 256,
}

/** Looks through a message from `offset` on. @throws PAYLOAD_REJECTED, or PAYLOAD_UNDECODABLE where it ends too early */
export type DecodeGuard = (bytes: Buffer, offset: number) => void

/**
 * Checks untrusted bytes against the schema of their writer before anything is built from them: avsc allocates what a
 * count asks for, before it finds that the items are not there. Strings and bytes are safe without it: avsc checks
 * their length first. So a schema without arrays, maps and recursion only has its size checked.
 */
export function createDecodeGuard(writer: AvroType, limits: DecodeLimits = defaultDecodeLimits): DecodeGuard {
  const { maxBytes } = limits
  const programs = compileScan(writer)
  const [root] = programs
  const scan = root === undefined ? undefined : createScanner(programs, limits)
  return (bytes, offset) => {
    if (bytes.length > maxBytes) throw rejected(`${bytes.length} bytes are more than maxBytes, ${maxBytes}`)
    scan?.(bytes, offset)
  }
}

function createScanner(programs: readonly ScanProgram[], limits: DecodeLimits): DecodeGuard {
  const { maxDepth, maxItems, maxEmptyItems } = limits
  // State of the scan under way; there is only one at a time, since scanning is synchronous.
  let bytes: Uint8Array = nothing
  let end = 0
  let depth = 0
  let items = 0
  let emptyItems = 0
  // What `readNumber` and `readBlock` return besides their value: the position after it, and where the block must end, or -1.
  let after = 0
  let blockEnd = -1

  /** A length, count or index; avsc reads it as a number, so it must not be longer than that is exact. */
  function readNumber(at: number): number {
    let value = 0
    let factor = 1
    for (let byte = 0x80; byte >= 0x80; factor *= 128) {
      if (at >= end) throw endsEarly()
      if (factor === 2 ** 49) throw rejected('a count or length has too many digits')
      byte = bytes[at++]!
      value += (byte & 0x7f) * factor
    }
    after = at
    return value % 2 ? -(value + 1) / 2 : value / 2
  }

  /** Number of items of the next block. Avro specification, “Arrays”. */
  function readBlock(at: number, minItemBytes: number): number {
    let count = readNumber(at)
    blockEnd = -1
    if (count === 0) return 0
    if (count < 0) {
      count = -count
      const size = readNumber(after)
      const left = end - after
      if (size < 0 || size > left) throw rejected(`a block has a size of ${size} bytes, with ${left} left`)
      blockEnd = after + size
    }
    const left = end - after
    if (count * minItemBytes > left) throw rejected(`a collection claims ${count} items, with ${left} bytes left`)
    items += count
    if (items > maxItems) throw rejected(`there are more items than maxItems, ${maxItems}`)
    return count
  }

  function countEmpty(count: number): void {
    emptyItems += count
    if (emptyItems > maxEmptyItems) throw rejected(`more items take no bytes than maxEmptyItems, ${maxEmptyItems}`)
  }

  /** Scans what `program` describes from `at` on; gives the position after it. */
  function run(program: ScanProgram, at: number): number {
    const input = bytes
    const { length } = program
    for (let index = 0; index < length; index += 2) {
      const argument = program[index + 1]!
      switch (program[index]! as OpCode) {
        case op.skip:
          at += argument
          break
        case op.varints:
          for (let left = argument; left > 0; left--) while (input[at++]! >= 0x80);
          break
        case op.lengths:
          for (let left = argument; left > 0; left--) {
            const first = input[at]!
            // Lengths below 64 are one byte, even.
            if (first < 0x80 && (first & 1) === 0) at += 1 + (first >>> 1)
            else {
              const bytesLong = readNumber(at)
              if (bytesLong < 0) throw rejected(`a string has a length of ${bytesLong}`)
              at = after + bytesLong
            }
          }
          break
        case op.union: {
          const branch = readNumber(at)
          at = after
          if (branch < 0 || branch >= argument) {
            throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'a union has no such branch' })
          }
          const target = program[index + 2 + branch]!
          if (target !== -1) at = runNested(target, at)
          index += argument
          break
        }
        case op.record:
          at = runNested(argument, at)
          break
        case op.fixedItems:
          at = runFixedItems(at, argument, program[index + 2]!)
          index++
          break
        case op.items:
          at = runItems(at, programs[argument]!, program[index + 2]!)
          index++
          break
      }
      if (at > end) throw endsEarly()
    }
    return at
  }

  function runNested(target: number, at: number): number {
    if (++depth > maxDepth) throw tooDeep(maxDepth)
    const next = run(programs[target]!, at)
    depth--
    return next
  }

  function runFixedItems(at: number, itemBytes: number, itemValues: number): number {
    for (let count = readBlock(at, itemBytes); count !== 0; count = readBlock(at, itemBytes)) {
      if (itemBytes === 0) countEmpty(count * itemValues)
      at = after + count * itemBytes
      if (blockEnd !== -1 && at !== blockEnd) throw wrongBlockSize()
    }
    return after
  }

  function runItems(at: number, item: ScanProgram, minItemBytes: number): number {
    if (++depth > maxDepth) throw tooDeep(maxDepth)
    for (let count = readBlock(at, minItemBytes); count !== 0; count = readBlock(at, minItemBytes)) {
      const mustEnd = blockEnd
      at = after
      for (; count > 0; count--) at = run(item, at)
      if (mustEnd !== -1 && at !== mustEnd) throw wrongBlockSize()
    }
    depth--
    return after
  }

  return (message, offset) => {
    bytes = message
    end = message.length
    depth = items = emptyItems = 0
    try {
      run(programs[0]!, offset)
    } finally {
      bytes = nothing
    }
  }
}

const format = 'Avro'
const nothing = new Uint8Array()

function rejected(reason: string): MessagingError {
  return new MessagingError('PAYLOAD_REJECTED', { reason })
}

function tooDeep(maxDepth: number): MessagingError {
  return rejected(`values are nested deeper than maxDepth, ${maxDepth}`)
}

function wrongBlockSize(): MessagingError {
  return rejected('a block does not end where its size says')
}

function endsEarly(): MessagingError {
  return new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'the body ends too early' })
}
