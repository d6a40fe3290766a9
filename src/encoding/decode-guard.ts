import { MessagingError } from '../errors/messaging-error.ts'
import type { AvroType } from './avsc-module.ts'
import { compileScan, op, type ScanProgram } from './scan-program.ts'

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
  let bytes: Uint8Array = new Uint8Array()
  let end = 0
  let at = 0
  let depth = 0
  let items = 0
  let emptyItems = 0

  /** A length, count or index; avsc reads it as a number, so it must not be longer than that is exact. */
  function readNumber(): number {
    let byte = bytes[at++]!
    if (byte < 0x80) {
      if (at > end) throw endsEarly()
      return (byte >>> 1) ^ -(byte & 1)
    }
    let value = byte & 0x7f
    let factor = 128
    do {
      if (at >= end) throw endsEarly()
      byte = bytes[at++]!
      value += (byte & 0x7f) * factor
      factor *= 128
    } while (byte >= 0x80 && factor < 2 ** 49)
    if (byte >= 0x80) throw rejected('a count or length has too many digits')
    return value % 2 ? -(value + 1) / 2 : value / 2
  }

  /** Number of items of the next block; the position where it must end, or -1. Avro specification, “Arrays”. */
  let blockEnd = -1
  function readBlock(minItemBytes: number): number {
    let count = readNumber()
    blockEnd = -1
    if (count === 0) return 0
    if (count < 0) {
      count = -count
      const size = readNumber()
      if (size < 0 || size > end - at) throw rejected(`a block has a size of ${size} bytes, with ${end - at} left`)
      blockEnd = at + size
    }
    if (count * minItemBytes > end - at)
      throw rejected(`a collection claims ${count} items, with ${end - at} bytes left`)
    items += count
    if (items > maxItems) throw rejected(`there are more items than maxItems, ${maxItems}`)
    return count
  }

  function enter(): void {
    if (++depth > maxDepth) throw rejected(`values are nested deeper than maxDepth, ${maxDepth}`)
  }

  function checkBlockEnd(): void {
    if (blockEnd !== -1 && at !== blockEnd) throw rejected('a block does not end where its size says')
  }

  function run(program: ScanProgram): void {
    for (let index = 0; index < program.length;) {
      const argument = program[index + 1]!
      switch (program[index]!) {
        case op.skip:
          at += argument
          break
        case op.varints:
          for (let left = argument; left > 0; left--) while (bytes[at++]! >= 0x80);
          break
        case op.lengths:
          for (let left = argument; left > 0; left--) {
            const length = readNumber()
            if (length < 0) throw rejected(`a string has a length of ${length}`)
            at += length
            if (at > end) throw endsEarly()
          }
          break
        case op.union: {
          const branch = readNumber()
          if (branch < 0 || branch >= argument) {
            throw new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'a union has no such branch' })
          }
          const target = program[index + 2 + branch]!
          if (target !== -1) {
            enter()
            run(programs[target]!)
            depth--
          }
          index += argument
          break
        }
        case op.record:
          enter()
          run(programs[argument]!)
          depth--
          break
        case op.fixedItems:
          for (let count = readBlock(argument); count !== 0; count = readBlock(argument)) {
            if (argument === 0) {
              emptyItems += count * program[index + 2]!
              if (emptyItems > maxEmptyItems)
                throw rejected(`more items take no bytes than maxEmptyItems, ${maxEmptyItems}`)
            }
            at += count * argument
            checkBlockEnd()
          }
          index++
          break
        case op.items: {
          const item = programs[argument]!
          const minItemBytes = program[index + 2]!
          enter()
          for (let count = readBlock(minItemBytes); count !== 0; count = readBlock(minItemBytes)) {
            const expected = blockEnd
            for (; count > 0; count--) run(item)
            blockEnd = expected
            checkBlockEnd()
          }
          depth--
          index++
          break
        }
      }
      if (at > end) throw endsEarly()
      index += 2
    }
  }

  return (message, offset) => {
    bytes = message
    end = message.length
    at = offset
    depth = items = emptyItems = 0
    try {
      run(programs[0]!)
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

function endsEarly(): MessagingError {
  return new MessagingError('PAYLOAD_UNDECODABLE', { format, reason: 'the body ends too early' })
}
