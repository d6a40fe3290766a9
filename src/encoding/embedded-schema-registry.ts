import { MessagingError } from '../errors/messaging-error.ts'
import type { SchemaRegistry } from './schema-registry.ts'

/**
 * A schema registry inside the process, for demos and tests. An id is the first 31 bits of the schema’s SHA-256,
 * so that two processes with the same manifests agree on it without talking to each other.
 */
export function createEmbeddedSchemaRegistry(): SchemaRegistry {
  const schemas = new Map<number, string>()
  return {
    register(subject, schema) {
      const id =
        process.getBuiltinModule('node:crypto').createHash('sha256').update(schema).digest().readUInt32BE(0) >>> 1
      const known = schemas.get(id)
      if (known !== undefined && known !== schema) {
        const reason = `its id ${id} is already taken by another schema`
        return Promise.reject(new MessagingError('SCHEMA_INVALID', { subject, reason }))
      }
      schemas.set(id, schema)
      return Promise.resolve(id)
    },
    getById(id) {
      const schema = schemas.get(id)
      if (schema === undefined) return Promise.reject(new MessagingError('SCHEMA_NOT_FOUND', { id }))
      return Promise.resolve(schema)
    },
  }
}
