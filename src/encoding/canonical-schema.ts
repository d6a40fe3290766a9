import type { AvroSchema } from './avsc-module.ts'

// The order of the Avro specification’s Parsing Canonical Form, then what it leaves out, then anything else by name.
const firstKeys = [
  'name',
  'namespace',
  'type',
  'fields',
  'symbols',
  'items',
  'values',
  'size',
  'default',
  'logicalType',
]
const rank = new Map(firstKeys.map((key, index) => [key, index]))

/**
 * A schema as JSON text that is the same whatever the order of its keys and the white space of its source, and that
 * keeps everything its author wrote: documentation, defaults, aliases, orders, logical types, properties of their own.
 * This is what is registered: one schema has one text, so it gets one id.
 * @throws SyntaxError for text that is not JSON
 */
export function canonicalizeSchema(schema: AvroSchema): string {
  return JSON.stringify(sortKeys(typeof schema === 'string' ? parseSchemaText(schema) : schema))
}

/** JSON text, or the bare name of a primitive type: `string` is as good as `"string"`. */
export function parseSchemaText(text: string): unknown {
  return /^\s*[a-z]+\s*$/.test(text) ? text.trim() : JSON.parse(text)
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  const rankOf = (key: string): number => rank.get(key) ?? firstKeys.length
  const entries = Object.entries(value).sort(([a], [b]) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, child]) => [key, sortKeys(child)]))
}
