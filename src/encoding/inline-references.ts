const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const complex = new Set(['record', 'error', 'enum', 'fixed', 'array', 'map'])

/**
 * `schema` with each type that `referenced` has under its full name written out where it is first used,
 * so that the text can be read alone. Names follow the Avro specification: a name without dot is in the namespace around it.
 */
export function inlineReferences(schema: string, referenced: ReadonlyMap<string, string>): string {
  if (referenced.size === 0) return schema
  const defined = new Set<string>()
  return JSON.stringify(inline(JSON.parse(schema), '', referenced, defined))
}

function inline(
  schema: unknown,
  namespace: string,
  referenced: ReadonlyMap<string, string>,
  defined: Set<string>,
): unknown {
  if (typeof schema === 'string') {
    if (primitives.has(schema)) return schema
    const full = fullName(schema, namespace)
    const text = referenced.get(full)
    // A second definition of one name is an error, so only the first use is replaced.
    if (text === undefined || defined.has(full)) return full
    const definition = qualify(JSON.parse(text))
    return inline(definition, '', referenced, defined)
  }
  if (Array.isArray(schema)) return schema.map((branch) => inline(branch, namespace, referenced, defined))
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
      type: inline(field.type, inner, referenced, defined),
    }))
  }
  for (const part of ['items', 'values'] as const) {
    if (part in type) copy[part] = inline(type[part], inner, referenced, defined)
  }
  if (typeof type.type !== 'string' || !complex.has(type.type))
    copy.type = inline(type.type, inner, referenced, defined)
  return copy
}

/** A definition keeps its meaning wherever it is put: without a namespace it would take the one around it. */
function qualify(definition: unknown): unknown {
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) return definition
  const { name, namespace } = definition as { name?: unknown; namespace?: unknown }
  if (typeof name !== 'string' || name.includes('.') || typeof namespace === 'string') return definition
  return { ...definition, namespace: '' }
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}
