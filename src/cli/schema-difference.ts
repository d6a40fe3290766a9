/**
 * What is different between two Avro schemas, one line each, in the words of a reader of the new one:
 * `+ total: long (default 0)`, `- note: string`, `~ id: int -> string`. Empty where they say the same;
 * the order of keys, white space and the long form of a primitive do not count.
 */
export function describeSchemaDifference(before: string, after: string): string[] {
  return compare(normalize(JSON.parse(before)), normalize(JSON.parse(after)), '')
}

type Schema = Readonly<Record<string, unknown>>

function compare(before: unknown, after: unknown, path: string): string[] {
  if (show(before) === show(after)) return []
  const at = path === '' ? 'schema' : path
  if (!isSchema(before) || !isSchema(after) || kindOf(before) !== kindOf(after)) {
    return [`~ ${at}: ${describe(before)} -> ${describe(after)}`]
  }
  const children = ['fields', 'items', 'values', 'symbols'].flatMap((part) =>
    compareParts(part, before[part], after[part], path),
  )
  return [...compareAttributes(before, after, at), ...children]
}

function compareParts(part: string, before: unknown, after: unknown, path: string): string[] {
  const join = (name: string): string => (path === '' ? name : `${path}.${name}`)
  if (part === 'items' || part === 'values') return compare(before, after, join(`<${part}>`))
  if (!Array.isArray(before) || !Array.isArray(after)) return []
  if (part === 'symbols') {
    const [old, now] = [before.map(String), after.map(String)]
    const lines = [
      ...old.filter((symbol) => !now.includes(symbol)).map((symbol) => `- ${join(symbol)}: symbol`),
      ...now.filter((symbol) => !old.includes(symbol)).map((symbol) => `+ ${join(symbol)}: symbol`),
    ]
    return lines.length > 0 || show(old) === show(now)
      ? lines
      : [`~ ${path || 'schema'}: its symbols are in another order`]
  }
  return compareFields(before as Schema[], after as Schema[], join)
}

function compareFields(before: readonly Schema[], after: readonly Schema[], join: (name: string) => string): string[] {
  const [old, now] = [byName(before), byName(after)]
  const lines: string[] = []
  for (const [name, field] of old) {
    if (!now.has(name)) lines.push(`- ${join(name)}: ${describeField(field)}`)
  }
  for (const [name, field] of now) {
    const past = old.get(name)
    if (past === undefined) lines.push(`+ ${join(name)}: ${describeField(field)}`)
    else lines.push(...compareAttributes(past, field, join(name)), ...compare(past.type, field.type, join(name)))
  }
  const kept = [...old.keys()].filter((name) => now.has(name))
  const keptNow = [...now.keys()].filter((name) => old.has(name))
  // Avro writes fields in their order, without names.
  if (show(kept) !== show(keptNow)) lines.push(`~ fields in another order: ${kept.join(', ')} -> ${keptNow.join(', ')}`)
  return lines
}

const structural = new Set(['type', 'fields', 'items', 'values', 'symbols'])

/** Everything said about a type or field but what it is made of: default, doc, aliases, logicalType, … */
function compareAttributes(before: Schema, after: Schema, at: string): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !structural.has(name))
  return names
    .filter((name) => show(before[name]) !== show(after[name]))
    .map((name) => `~ ${at} ${name}: ${show(before[name]) ?? 'none'} -> ${show(after[name]) ?? 'none'}`)
}

function byName(fields: readonly Schema[]): Map<string, Schema> {
  return new Map(fields.map((field) => [String(field.name), field]))
}

function describeField(field: Schema): string {
  return 'default' in field
    ? `${describe(field.type)} (default ${show(field.default)})`
    : `${describe(field.type)} (no default)`
}

function describe(schema: unknown): string {
  if (Array.isArray(schema)) return schema.map(describe).join(' | ')
  if (!isSchema(schema)) return String(schema)
  const kind = kindOf(schema)
  if (kind === 'array') return `array of ${describe(schema.items)}`
  if (kind === 'map') return `map of ${describe(schema.values)}`
  if (typeof schema.name === 'string') return `${kind} ${schema.name}`
  return typeof schema.logicalType === 'string' ? `${kind} (${schema.logicalType})` : kind
}

/** `{"type": "string"}` is `"string"`, a name carries its namespace, and keys are in one order. */
function normalize(value: unknown, isSchemaPlace = true): unknown {
  if (Array.isArray(value)) return value.map((item) => normalize(item, isSchemaPlace))
  if (typeof value !== 'object' || value === null) return value
  const { namespace, ...rest } = value as Record<string, unknown>
  const names = Object.keys(rest)
  if (isSchemaPlace && names.length === 1 && names[0] === 'type' && !Array.isArray(rest.fields))
    return normalize(rest.type)
  if (typeof rest.name === 'string' && typeof namespace === 'string' && namespace !== '' && !rest.name.includes('.')) {
    rest.name = `${namespace}.${rest.name}`
  }
  return Object.fromEntries(
    Object.keys(rest)
      .sort()
      .map((name) => [name, normalize(rest[name], name !== 'default' && name !== 'fields')]),
  )
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(schema: Schema): string {
  return typeof schema.type === 'string' ? schema.type : describe(schema.type)
}

function show(value: unknown): string | undefined {
  return JSON.stringify(value)
}
