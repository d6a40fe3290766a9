import type { SchemaDependency } from './schema-registry.ts'

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const complex = new Set(['record', 'error', 'enum', 'fixed', 'array', 'map'])

/**
 * `schema` with each type that `referenced` has under its full name written out where it is first used,
 * so that the text can be read alone. Names follow the Avro specification: a name without dot is in the namespace around it.
 */
export function inlineReferences(schema: string, referenced: ReadonlyMap<string, string>): string {
  if (referenced.size === 0) return schema
  return JSON.stringify(inline(JSON.parse(schema), '', (name) => referenced.get(name), new Set()))
}

/** The same for what `dependencies` bring along, and what these need in turn. */
export function inlineDependencies(schema: string, dependencies: readonly SchemaDependency[]): string {
  const complete = dependencies.map((each) => [each.name, inlineDependencies(each.schema, each.references)] as const)
  return inlineReferences(schema, new Map(complete))
}

/** The full names that a schema uses without defining them before. @throws SyntaxError for text that is not JSON */
export function namesUsedBy(schema: string): ReadonlySet<string> {
  const names = new Set<string>()
  inline(JSON.parse(schema), '', (name) => void names.add(name), new Set())
  return names
}

type FindDefinition = (name: string) => string | undefined | void

function inline(schema: unknown, namespace: string, find: FindDefinition, defined: Set<string>): unknown {
  if (typeof schema === 'string') {
    if (primitives.has(schema)) return schema
    const full = fullName(schema, namespace)
    // A second definition of one name is an error, so only the first use is replaced.
    if (defined.has(full)) return full
    const text = find(full)
    if (typeof text !== 'string') return full
    const definition = qualify(JSON.parse(text))
    return inline(definition, '', find, defined)
  }
  if (Array.isArray(schema)) return schema.map((branch) => inline(branch, namespace, find, defined))
  if (typeof schema !== 'object' || schema === null) return schema
  const type = schema as Record<string, unknown>
  let inner = namespace
  if (typeof type.name === 'string') {
    const full = fullName(type.name, typeof type.namespace === 'string' ? type.namespace : namespace)
    // Written out by an earlier reference that needs the same type.
    if (defined.has(full)) return full
    defined.add(full)
    inner = full.slice(0, Math.max(0, full.lastIndexOf('.')))
  }
  const copy: Record<string, unknown> = { ...type }
  if (Array.isArray(type.fields)) {
    copy.fields = type.fields.map((field: Record<string, unknown>) => ({
      ...field,
      type: inline(field.type, inner, find, defined),
    }))
  }
  for (const part of ['items', 'values'] as const) {
    if (part in type) copy[part] = inline(type[part], inner, find, defined)
  }
  if (typeof type.type !== 'string' || !complex.has(type.type)) copy.type = inline(type.type, inner, find, defined)
  return copy
}

/** A definition keeps its meaning wherever it is put: without a namespace it would take the one around it. */
function qualify(definition: unknown): unknown {
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) return definition
  const { name, namespace } = definition as { name?: unknown; namespace?: unknown }
  if (typeof name !== 'string' || name.includes('.') || typeof namespace === 'string') return definition
  return { ...definition, namespace: '' }
}

/** Avro specification, “Names”. */
export function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}
