import type { MessagingError } from '../errors/messaging-error.ts'

/** Another schema that a schema uses by name: which subject and version holds it (Confluent’s “schema references”). */
export interface SchemaReference {
  /** The full Avro name as the schema uses it, e.g. `com.example.Address`. */
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** The same with the other schema itself: its version is found, or made where registering is allowed. */
export interface SchemaDependency {
  readonly name: string
  readonly subject: string
  /** JSON text. */
  readonly schema: string
  /** What it uses in turn. */
  readonly references: readonly SchemaDependency[]
}

/** Where schemas get their ids. "Registry" alone means producers; this one is always the schema registry. */
export interface SchemaRegistry {
  /**
   * The id of `schema` (JSON text) under `subject`, which is registered only where that is allowed;
   * the same schema always has the same id. So are the schemas that it refers to.
   * @throws SCHEMA_INVALID, SCHEMA_INCOMPATIBLE, SCHEMA_NOT_REGISTERED, SCHEMA_REGISTRY_UNREACHABLE, SCHEMA_REGISTRY_DENIED
   */
  register(subject: string, schema: string, references?: References): Promise<number>
  /**
   * The schema with this id, complete: what it refers to is put in its place.
   * @throws SCHEMA_NOT_FOUND, SCHEMA_LOOKUPS_LIMITED, SCHEMA_REGISTRY_UNREACHABLE, SCHEMA_REGISTRY_DENIED
   */
  getById(id: number): Promise<string>
  /** The same schema registry for a user who wants to hear of its own calls, besides who hears of them already. */
  observedBy?(observer: SchemaRegistryObserver): SchemaRegistry
  /** Releases connections. Safe to call again. */
  close?(): Promise<void>
}

/** Who gave the answer: this process, its disk while the schema registry was down, or the schema registry. */
export type SchemaSource = 'cache' | 'disk' | 'network'

export interface SchemaRegistryObserver {
  fetched?(details: { readonly id: number; readonly source: SchemaSource; readonly durationMs: number }): void
  registered?(details: {
    readonly subject: string
    readonly id: number
    readonly source: SchemaSource
    readonly durationMs: number
  }): void
  errored?(error: MessagingError): void
}

export type References = readonly (SchemaReference | SchemaDependency)[]

/** One version of a subject. */
export interface RegisteredSchema {
  readonly id: number
  readonly subject: string
  /** From 1. */
  readonly version: number
  /** JSON text as registered. */
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

export interface Compatibility {
  readonly compatible: boolean
  /** Why not, in the schema registry’s own words; empty where it gives none. */
  readonly reasons: readonly string[]
}

/** What tools ask besides; codecs need none of it. */
export interface VersionedSchemaRegistry extends SchemaRegistry {
  /** The version that holds exactly this schema with these references, if any. */
  find(subject: string, schema: string, references?: References): Promise<RegisteredSchema | undefined>
  /** Registers a schema and what it refers to, whatever `register` may. The id. @throws SCHEMA_INVALID, SCHEMA_INCOMPATIBLE */
  add(subject: string, schema: string, references?: References): Promise<number>
  getVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | undefined>
  /** Against the versions that the compatibility level of the subject names. A subject without versions takes anything. */
  checkCompatibility(subject: string, schema: string, references?: readonly SchemaReference[]): Promise<Compatibility>
  /** The compatibility level of the subject, or the global one: BACKWARD, FULL_TRANSITIVE, NONE, … */
  getCompatibilityLevel(subject: string): Promise<string>
}
