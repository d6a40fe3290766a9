import type { AvroType } from './avsc-module.ts'
import { describeType } from './codec.ts'
import { expectedOf } from './logical-types.ts'

/** What a value of `type` must be, for an error message. */
export function describeAvroType(type: AvroType): string {
  const { typeName, name } = type
  if (type.types) return type.types.map(describeAvroType).join(' or ')
  if (type.symbols) return `one of ${type.symbols.join(', ')}`
  if (typeName === 'fixed') return `${type.size} bytes`
  if (typeName === 'abstract:long') return 'long as bigint'
  const logical = expectedOf(typeName)
  if (logical !== undefined) return `${typeName.replace('logical:', '')} as ${logical}`
  return name === undefined || name === typeName ? typeName : `${typeName} ${name}`
}

/** What `value` is, where `type` was expected, without the value itself. */
export function describeAvroValue(value: unknown, type: AvroType): string {
  const actual = describeType(value)
  if (actual === 'number' && (type.typeName === 'int' || type.typeName === 'long')) {
    return Number.isInteger(value) ? 'a number out of range' : 'a number that is not an integer'
  }
  if (actual === 'bigint' && type.typeName === 'abstract:long') return 'a bigint out of range'
  if (actual === 'string' && (type.symbols || type.typeName.startsWith('logical:'))) return 'another string'
  return actual
}
