import { MessagingError } from '../errors/messaging-error.ts'
import { inlineReferences } from './inline-references.ts'
import { createTransport, type Answer, type TransportOptions } from './schema-registry-transport.ts'
import type {
  References,
  RegisteredSchema,
  SchemaDependency,
  SchemaReference,
  VersionedSchemaRegistry,
} from './schema-registry.ts'

export interface HttpSchemaRegistryOptions extends TransportOptions {
  /** Whether `register` may add a schema that is not there yet. Default: false, it only looks the schema up. */
  readonly autoRegister?: boolean
}

export type ClosableSchemaRegistry = VersionedSchemaRegistry & Required<Pick<VersionedSchemaRegistry, 'close'>>

/** Referenced schemas are fetched one inside the other at most this deep; a cycle would never end. */
const maxReferenceDepth = 32

/**
 * A schema registry behind Confluent’s REST API (Confluent Schema Registry, Apicurio’s ccompat, Redpanda, Karapace).
 * @example createHttpSchemaRegistry({ urls: ['https://schemas.example.org'], token })
 */
export function createHttpSchemaRegistry(options: HttpSchemaRegistryOptions): ClosableSchemaRegistry {
  const transport = createTransport(options)
  const { autoRegister = false } = options

  async function find(
    subject: string,
    schema: string,
    references: References = [],
  ): Promise<RegisteredSchema | undefined> {
    const versions: SchemaReference[] = []
    for (const reference of references) {
      const version = 'version' in reference ? reference : await findDependency(reference)
      // Without what it refers to it cannot be there either.
      if (version === undefined) return undefined
      versions.push(version)
    }
    const answer = await transport.request('POST', subjectPath(subject), requestBody(schema, versions))
    if (isUnknown(answer)) return undefined
    return readVersion(expectOk(answer, subject))
  }

  async function findDependency(dependency: SchemaDependency): Promise<SchemaReference | undefined> {
    const { name, subject, schema, references } = dependency
    const found = await find(subject, schema, references)
    return found && { name, subject, version: found.version }
  }

  async function add(subject: string, schema: string, references: References = []): Promise<number> {
    const versions: SchemaReference[] = []
    for (const reference of references)
      versions.push('version' in reference ? reference : await addDependency(reference))
    const path = `${subjectPath(subject)}/versions`
    const answer = await transport.request('POST', path, requestBody(schema, versions))
    const { id } = expectOk(answer, subject) as { id?: unknown }
    if (!isId(id)) throw unusable('it registered a schema without telling its id')
    return id
  }

  async function addDependency(dependency: SchemaDependency): Promise<SchemaReference> {
    const { subject, schema, references } = dependency
    const known = await findDependency(dependency)
    if (known) return known
    await add(subject, schema, references)
    const added = await findDependency(dependency)
    if (!added) throw unusable(`it does not find the schema that it registered under ${subject}`)
    return added
  }

  async function getVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | undefined> {
    const answer = await transport.request('GET', `${subjectPath(subject)}/versions/${version}`)
    if (isUnknown(answer)) return undefined
    return readVersion(expectOk(answer, subject))
  }

  /** The texts that `references` name, each complete in itself. */
  async function resolveReferences(references: readonly SchemaReference[], depth = 0): Promise<Map<string, string>> {
    if (depth > maxReferenceDepth) throw unusable(`references are nested deeper than ${maxReferenceDepth}`)
    const resolved = references.map(async ({ name, subject, version }): Promise<[string, string]> => {
      const found = await getVersion(subject, version)
      if (!found) throw unusable(`a schema refers to version ${version} of ${subject}, which is not there`)
      return [name, inlineReferences(found.schema, await resolveReferences(found.references, depth + 1))]
    })
    return new Map(await Promise.all(resolved))
  }

  return {
    find,
    add,
    getVersion,

    async register(subject, schema, references = []) {
      // Looking first needs no right to write, and leaves the subject alone when nothing is new.
      const known = await find(subject, schema, references)
      if (known) return known.id
      if (!autoRegister) throw new MessagingError('SCHEMA_NOT_REGISTERED', { subject })
      return add(subject, schema, references)
    },

    async getById(id) {
      const answer = await transport.request('GET', `/schemas/ids/${id}`)
      if (isUnknown(answer)) throw new MessagingError('SCHEMA_NOT_FOUND', { id })
      const body = expectOk(answer, `id ${id}`) as { schema?: unknown; schemaType?: unknown; references?: unknown }
      if (typeof body.schema !== 'string') throw unusable(`the schema with id ${id} has no text`)
      if (body.schemaType !== undefined && body.schemaType !== 'AVRO') {
        const reason = `it is of type ${JSON.stringify(body.schemaType).slice(0, 20)}`
        throw new MessagingError('SCHEMA_INVALID', { subject: `id ${id}`, reason })
      }
      return inlineReferences(body.schema, await resolveReferences(readReferences(body.references)))
    },

    async checkCompatibility(subject, schema, references = []) {
      const path = `/compatibility${subjectPath(subject)}/versions?verbose=true`
      const answer = await transport.request('POST', path, requestBody(schema, references))
      if (isUnknown(answer)) return { compatible: true, reasons: [] }
      const body = expectOk(answer, subject) as { is_compatible?: unknown; messages?: unknown; reason?: unknown }
      if (typeof body.is_compatible !== 'boolean') throw unusable('it does not say whether a schema is compatible')
      // Confluent gives messages, Apicurio a reason.
      const given = Array.isArray(body.messages) ? body.messages : [body.reason]
      const reasons = given.filter((reason) => typeof reason === 'string' && reason !== '') as string[]
      return { compatible: body.is_compatible, reasons }
    },

    async getCompatibilityLevel(subject) {
      let answer = await transport.request('GET', `/config/${encodeURIComponent(subject)}?defaultToGlobal=true`)
      // Older servers do not know defaultToGlobal.
      if (isUnknown(answer)) answer = await transport.request('GET', '/config')
      const { compatibilityLevel } = expectOk(answer, subject) as { compatibilityLevel?: unknown }
      if (typeof compatibilityLevel !== 'string') throw unusable('it does not tell its compatibility level')
      return compatibilityLevel
    },

    close: () => transport.close(),
  }
}

function subjectPath(subject: string): string {
  return `/subjects/${encodeURIComponent(subject)}`
}

function requestBody(schema: string, references: readonly SchemaReference[]): object {
  return references.length === 0 ? { schema } : { schema, references }
}

/** 404 in the API’s own words; any other 404 is a wrong URL, and must not be taken for a missing schema. */
function isUnknown({ status, body }: Answer): boolean {
  return status === 404 && /^404\d\d$/.test(String((body as { error_code?: unknown } | null)?.error_code))
}

/** The body of a good answer. @throws SCHEMA_INCOMPATIBLE, SCHEMA_INVALID, SCHEMA_REGISTRY_FAILED */
function expectOk({ status, body }: Answer, subject: string): object {
  const isObject = typeof body === 'object' && body !== null
  if (status === 200 && isObject) return body
  const message = isObject ? (body as { message?: unknown }).message : undefined
  const said = typeof message === 'string' && message !== '' ? message.slice(0, 500) : `it answered ${status}`
  if (status === 409) throw new MessagingError('SCHEMA_INCOMPATIBLE', { subject, reason: said })
  if (status === 422) throw new MessagingError('SCHEMA_INVALID', { subject, reason: said })
  throw unusable(status === 404 ? `it answered 404 to a request of the Confluent API; is the URL right?` : said)
}

function readVersion(body: object): RegisteredSchema {
  const { id, subject, version, schema, references } = body as Record<keyof RegisteredSchema, unknown>
  if (!isId(id) || typeof subject !== 'string' || !isId(version) || typeof schema !== 'string') {
    throw unusable('it describes a schema without id, version or text')
  }
  return { id, subject, version, schema, references: readReferences(references) }
}

function readReferences(value: unknown): SchemaReference[] {
  if (!Array.isArray(value)) return []
  return value.map((entry: Partial<Record<keyof SchemaReference, unknown>> | null) => {
    const { name, subject, version } = entry ?? {}
    if (typeof name !== 'string' || typeof subject !== 'string' || !isId(version)) {
      throw unusable('it describes a reference without name, subject or version')
    }
    return { name, subject, version }
  })
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0
}

function unusable(reason: string): MessagingError {
  return new MessagingError('SCHEMA_REGISTRY_FAILED', { reason })
}
