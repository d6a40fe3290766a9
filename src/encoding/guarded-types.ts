/* oxlint-disable no-underscore-dangle -- the methods of avsc’s types that are overridden here are named so */
import type {
  AvroField,
  AvroModule,
  AvroTap,
  AvroType,
  AvroTypeClass,
  ReadAvro,
  WritableResolver,
} from './avsc-module.ts'
import { beginBlock, blockEnd, endBlock, checkEnd, limitDepth, skipBlocks } from './decode-guard.ts'

/** avsc’s types whose values can be larger than their bytes, reading and skipping within the limits of the decode guard. */
export interface GuardedTypes {
  readonly ArrayType: AvroTypeClass
  readonly MapType: AvroTypeClass
  readonly RecordType: AvroTypeClass
  /** Tells of a type that the schema names again: a record that is named while it is being made holds its own kind. */
  readonly refer: (type: AvroType) => AvroType
}

export function createGuardedTypes(avsc: AvroModule): GuardedTypes {
  const { ArrayType, MapType, RecordType } = avsc.types as unknown as Record<string, AvroTypeClass>
  const referred = new WeakSet<AvroType>()

  class GuardedArray extends ArrayType! {
    declare emptyItemValues: number
    /** The last that avsc calls before it freezes the type. */
    override _createBranchConstructor(): unknown {
      this.emptyItemValues = emptyValuesOf(this.itemsType!)
      return super._createBranchConstructor()
    }
    /** Of the type or of a resolver. */
    override _read(this: { itemsType: AvroType; emptyItemValues: number }, tap: AvroTap): unknown[] {
      const { itemsType, emptyItemValues } = this
      let count = beginBlock(tap, emptyItemValues)
      if (count === 0) return []
      // oxlint-disable-next-line unicorn/no-new-array -- of that length at once, it is filled faster
      const values: unknown[] = new Array(count)
      for (let next = 0; count !== 0; count = beginBlock(tap, emptyItemValues)) {
        const mustEnd = blockEnd
        for (; count > 0; count--) {
          values[next++] = itemsType._read(tap)
          checkEnd(tap)
        }
        endBlock(tap, mustEnd)
      }
      return values
    }
    override _skip(tap: AvroTap): void {
      skipBlocks(tap, this.emptyItemValues, () => this.itemsType!._skip(tap))
    }
    override _update(resolver: WritableResolver, writer: AvroType, options?: object): void {
      super._update(resolver, writer, options)
      Object.assign(resolver, { emptyItemValues: (writer as GuardedArray).emptyItemValues })
    }
  }

  class GuardedMap extends MapType! {
    override _read(this: { valuesType: AvroType }, tap: AvroTap): Record<string, unknown> {
      const { valuesType } = this
      const values: Record<string, unknown> = {}
      for (let count = beginBlock(tap, 0); count !== 0; count = beginBlock(tap, 0)) {
        const mustEnd = blockEnd
        for (; count > 0; count--) {
          const key = tap.readString()
          const value = valuesType._read(tap)
          // An assignment would set the prototype of the map instead of the key.
          if (key !== '__proto__') values[key] = value
          else Object.defineProperty(values, key, { value, enumerable: true, configurable: true, writable: true })
        }
        endBlock(tap, mustEnd)
      }
      return values
    }
    override _skip(tap: AvroTap): void {
      skipBlocks(tap, 0, () => {
        tap.skipString()
        this.valuesType!._skip(tap)
      })
    }
  }

  class GuardedRecord extends RecordType! {
    declare emptyValues: number
    declare limitDepth: (read: ReadAvro) => ReadAvro
    override _createReader(): ReadAvro {
      this.emptyValues = emptyValuesOfRecord(this.fields!)
      this.limitDepth = referred.has(this) ? limitDepth : (read) => read
      return this.limitDepth(super._createReader())
    }
    override _createSkipper(): ReadAvro {
      return this.limitDepth(super._createSkipper())
    }
    override _update(resolver: WritableResolver, writer: AvroType, options?: object): void {
      super._update(resolver, writer, options)
      resolver._read = this.limitDepth(resolver._read)
    }
  }

  return {
    ArrayType: GuardedArray,
    MapType: GuardedMap,
    RecordType: GuardedRecord,
    refer(type) {
      referred.add(type)
      return type
    },
  }
}

/** How many values a value is that never takes bytes; 0 for others, and for records still being made, which hold more. */
function emptyValuesOf(type: AvroType & { emptyValues?: number }): number {
  if (type.typeName === 'null' || (type.typeName === 'fixed' && type.size === 0)) return 1
  return type.emptyValues ?? 0
}

function emptyValuesOfRecord(fields: readonly AvroField[]): number {
  const values = fields.map((field) => emptyValuesOf(field.type))
  return values.includes(0) ? 0 : values.reduce((sum, count) => sum + count, 1)
}
