import { MessagingError } from '../errors/messaging-error.ts'
import type { AvroSchema } from './avsc-module.ts'
import { canonicalizeSchema } from './canonical-schema.ts'
import { fullName, inlineDependencies, namesUsedBy } from './inline-references.ts'
import type { SchemaDependency } from './schema-registry.ts'

/** A schema that other schemas use by its name; alone it is registered under its full name. */
export type ReferencedSchema = AvroSchema | { readonly subject: string; readonly schema: AvroSchema }

export interface LinkedSchema {
  /** As its author wrote it, with names for what it refers to: what is registered. */
  readonly text: string
  /** With what it refers to in its place: what can be parsed alone. */
  readonly complete: string
  /** What it uses itself; what these use is in them. */
  readonly references: readonly SchemaDependency[]
}

/**
 * Finds which of `referenced` a schema uses by name, directly and through each other. Their order does not matter,
 * and what is not used is left out.
 * @throws SCHEMA_INVALID for a schema that is not JSON, a referenced one without name or with that of another, a circle
 */
export function linkReferences(
  schema: AvroSchema,
  referenced: readonly ReferencedSchema[],
  subject: string,
): LinkedSchema {
  const invalid = (of: string, reason: string): MessagingError =>
    new MessagingError('SCHEMA_INVALID', { subject: of, reason })
  const textOf = (given: AvroSchema, of: string): string => {
    try {
      return canonicalizeSchema(given)
    } catch (error) {
      throw invalid(of, (error as Error).message)
    }
  }
  const known = new Map<string, { readonly subject: string; readonly text: string }>()
  for (const each of referenced) {
    const own = hasSubject(each) ? each : undefined
    const text = textOf(own?.schema ?? each, own?.subject ?? `a reference of ${subject}`)
    const name = schemaNameOf(text)
    if (name === undefined) throw invalid(subject, 'it has a reference without a name; only named types can be used')
    if (known.has(name)) throw invalid(subject, `it has two references with the name ${name}`)
    known.set(name, { subject: own?.subject ?? name, text })
  }

  const linked = new Map<string, SchemaDependency>()
  const referencesOf = (text: string, around: readonly string[]): SchemaDependency[] =>
    [...namesUsedBy(text)].flatMap((name) => {
      const found = known.get(name)
      if (!found) return []
      if (around.includes(name)) throw invalid(found.subject, `it refers to itself, through ${around.join(', ')}`)
      const dependency = linked.get(name) ?? {
        name,
        subject: found.subject,
        schema: found.text,
        references: referencesOf(found.text, [...around, name]),
      }
      linked.set(name, dependency)
      return [dependency]
    })
  const text = textOf(schema, subject)
  const references = referencesOf(text, [])
  return { text, complete: inlineDependencies(text, references), references }
}

/** The full name of a record, enum or fixed, e.g. `com.example.Order`; undefined for anything else, also for what is no JSON. */
export function schemaNameOf(schema: AvroSchema): string | undefined {
  let parsed: { readonly name?: unknown; readonly namespace?: unknown } | null
  try {
    parsed = (typeof schema === 'string' ? JSON.parse(schema) : schema) as typeof parsed
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { name, namespace } = parsed
  return typeof name === 'string' ? fullName(name, typeof namespace === 'string' ? namespace : '') : undefined
}

function hasSubject(given: ReferencedSchema): given is { readonly subject: string; readonly schema: AvroSchema } {
  return typeof given === 'object' && 'schema' in given && 'subject' in given
}
