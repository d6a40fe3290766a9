import { MessagingError } from '../errors/messaging-error.ts'
import { inlineDependencies } from './inline-references.ts'
import type { SchemaDependency, SchemaRegistry } from './schema-registry.ts'

/**
 * A schema registry inside the process, for demos and tests. An id is the first 31 bits of the schema’s SHA-256,
 * so that two processes with the same manifests agree on it without talking to each other.
 */
export function createEmbeddedSchemaRegistry(): SchemaRegistry {
  const schemas = new Map<number, string>()
  return {
    register(subject, schema, references = []) {
      const invalid = (reason: string): Promise<never> =>
        Promise.reject(new MessagingError('SCHEMA_INVALID', { subject, reason }))
      if (references.some((reference) => 'version' in reference)) {
        return invalid('it refers to a version, and the schema registry inside the process has none')
      }
      const complete = inlineDependencies(schema, references as readonly SchemaDependency[])
      const id =
        process.getBuiltinModule('node:crypto').createHash('sha256').update(complete).digest().readUInt32BE(0) >>> 1
      const known = schemas.get(id)
      if (known !== undefined && known !== complete) return invalid(`its id ${id} is already taken by another schema`)
      schemas.set(id, complete)
      return Promise.resolve(id)
    },
    getById(id) {
      const schema = schemas.get(id)
      if (schema === undefined) return Promise.reject(new MessagingError('SCHEMA_NOT_FOUND', { id }))
      return Promise.resolve(schema)
    },
  }
}
