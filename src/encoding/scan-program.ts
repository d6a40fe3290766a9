import type { AvroType } from './avsc-module.ts'

/** Instructions of a scan: code, argument, and for some more arguments. Numbers in one array run faster than closures. */
export const op = {
  /** bytes */
  skip: 1,
  /** number of them in a row */
  varints: 2,
  /** number of length-prefixed values in a row */
  lengths: 3,
  /** number of branches, then the program of each, -1 for none */
  union: 4,
  /** program; counted as one step deeper */
  record: 5,
  /** bytes of an item, values an empty item consists of */
  fixedItems: 6,
  /** program of an item, fewest bytes of an item */
  items: 7,
} as const

export type OpCode = (typeof op)[keyof typeof op]

export type ScanProgram = Int32Array

/**
 * Programs that scan a value of `root`; the first is for the value itself. Empty where there is nothing to scan:
 * without collections and recursion, and behind the last of them, a message can make avsc build no more than it is long.
 */
export function compileScan(root: AvroType): readonly ScanProgram[] {
  const uses = countUses(root)
  const minBytes = computeMinBytes([...uses.keys()])
  const risky = findRisky(uses)
  if (!risky.has(root)) return []

  const programs: number[][][] = []
  const numbers = new Map<AvroType, number>()
  const sizes = new Map<AvroType, StaticSize | undefined>()

  function programOf(type: AvroType): number {
    const known = numbers.get(type)
    if (known !== undefined) return known
    const code: number[][] = []
    const number = programs.push(code) - 1
    numbers.set(type, number)
    emit(type, code, true)
    return number
  }

  function emit(type: AvroType, code: number[][], top = false): void {
    const { typeName, underlyingType, types, itemsType, valuesType, fields } = type
    const bytes = fixedBytes(type)
    if (bytes !== undefined) {
      if (bytes > 0) repeat(code, op.skip, bytes)
    } else if (underlyingType) {
      emit(underlyingType, code)
    } else if (types) {
      const targets = types.map((branch) => (fixedBytes(branch) === 0 ? -1 : programOf(branch)))
      code.push([op.union, targets.length, ...targets])
    } else if (itemsType) {
      const size = staticSize(itemsType, sizes)
      if (size) code.push([op.fixedItems, size.bytes, size.values])
      else code.push([op.items, programOf(itemsType), clamp(minBytes.get(itemsType)!)])
    } else if (valuesType) {
      const entry = [[op.lengths, 1]]
      emit(valuesType, entry)
      code.push([op.items, programs.push(entry) - 1, clamp(1 + minBytes.get(valuesType)!)])
    } else if (fields) {
      // What is used more than once has a program of its own: it may be recursive, or double with each level.
      if (!top && uses.get(type)! > 1) code.push([op.record, programOf(type)])
      else {
        const last =
          type === root && uses.get(root) === 1 ? fields.findLastIndex((field) => risky.has(field.type)) : Infinity
        for (const field of fields.slice(0, last + 1)) emit(field.type, code)
      }
    } else {
      repeat(code, typeName === 'string' || typeName === 'bytes' ? op.lengths : op.varints, 1)
    }
  }

  programOf(root)
  return programs.map((code) => Int32Array.from(code.flat()))
}

function repeat(code: number[][], instruction: number, amount: number): void {
  const last = code.at(-1)
  if (last?.[0] === instruction) last[1] = clamp(last[1]! + amount)
  else code.push([instruction, amount])
}

function childrenOf(type: AvroType): readonly AvroType[] {
  if (type.underlyingType) return [type.underlyingType]
  if (type.types) return type.types
  if (type.itemsType) return [type.itemsType]
  if (type.valuesType) return [type.valuesType]
  return type.fields?.map((field) => field.type) ?? []
}

function countUses(root: AvroType): Map<AvroType, number> {
  const uses = new Map<AvroType, number>([[root, 1]])
  const open = [root]
  for (let type = open.pop(); type !== undefined; type = open.pop()) {
    for (const child of childrenOf(type)) {
      const count = uses.get(child) ?? 0
      uses.set(child, count + 1)
      if (count === 0) open.push(child)
    }
  }
  return uses
}

/** Types that hold a collection or are part of a recursion. */
function findRisky(uses: ReadonlyMap<AvroType, number>): Set<AvroType> {
  const types = [...uses.keys()]
  const safe = new Set<AvroType>()
  // A type is safe when all it consists of is; a recursion never gets there.
  for (let before = -1; before !== safe.size;) {
    before = safe.size
    for (const type of types) {
      if (type.itemsType || type.valuesType || safe.has(type)) continue
      if (childrenOf(type).every((child) => safe.has(child))) safe.add(type)
    }
  }
  return new Set(types.filter((type) => !safe.has(type)))
}

/** Fewest bytes of a value. A record that always holds another of its kind never ends: Infinity. */
function computeMinBytes(types: readonly AvroType[]): Map<AvroType, number> {
  const least = new Map<AvroType, number>(types.map((type) => [type, Infinity]))
  for (let changed = true; changed;) {
    changed = false
    for (const type of types) {
      const parts = childrenOf(type).map((child) => least.get(child)!)
      const bytes = fixedBytes(type) ?? minBytesFrom(type, parts)
      if (bytes < least.get(type)!) {
        least.set(type, bytes)
        changed = true
      }
    }
  }
  return least
}

function minBytesFrom(type: AvroType, parts: readonly number[]): number {
  if (type.underlyingType) return parts[0]!
  if (type.types) return 1 + Math.min(...parts)
  if (type.fields) return parts.reduce((sum, bytes) => sum + bytes, 0)
  return 1 // a varint, a length, or the end of a collection
}

/** Bytes of a leaf that always takes as many; undefined for any other type. */
function fixedBytes(type: AvroType): number | undefined {
  switch (type.typeName) {
    case 'null':
      return 0
    case 'boolean':
      return 1
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return type.size
    default:
      return undefined
  }
}

interface StaticSize {
  readonly bytes: number
  /** How many JavaScript values one item consists of. */
  readonly values: number
}

/** As `fixedBytes`, for records of such fields too. */
function staticSize(type: AvroType, known: Map<AvroType, StaticSize | undefined>): StaticSize | undefined {
  if (known.has(type)) return known.get(type)
  known.set(type, undefined) // what a recursion finds
  const fixed = fixedBytes(type)
  let size: StaticSize | undefined
  if (fixed !== undefined) size = { bytes: fixed, values: 1 }
  else if (type.underlyingType) size = staticSize(type.underlyingType, known)
  else if (type.fields) {
    const sizes = type.fields.map((field) => staticSize(field.type, known))
    if (sizes.every((size) => size !== undefined)) {
      const sum = (of: keyof StaticSize): number => clamp(sizes.reduce((sum, size) => sum + size[of], 0))
      size = { bytes: sum('bytes'), values: clamp(1 + sum('values')) }
    }
  }
  known.set(type, size)
  return size
}

function clamp(value: number): number {
  return Math.min(value, 2 ** 31 - 1)
}
