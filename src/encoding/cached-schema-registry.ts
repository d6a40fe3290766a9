import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { LookupLimiter, type LookupLimits } from './lookup-limiter.ts'
import type { SchemaStore } from './schema-files.ts'
import type {
  References,
  SchemaRegistry,
  SchemaRegistryObserver,
  SchemaSource,
  VersionedSchemaRegistry,
} from './schema-registry.ts'

export interface CacheOptions {
  /** Answers that are kept of each kind; the one that was not used for longest goes first. Default 1000. */
  readonly maxEntries?: number
  /** How long an id that was not found is not asked for again, in ms. Default 60000. */
  readonly unknownForMs?: number
  /** Bounds of lookups by id; see `LookupLimiter`. Default: 16 at a time, 10000 waiting, 100 unknown ones in 10000 ms. */
  readonly limits?: LookupLimits
  /** Where answers outlive the process. */
  readonly store?: SchemaStore | undefined
  /** How long the store answers without asking again once the schema registry was unreachable, in ms. Default 10000. */
  readonly askAgainAfterMs?: number
  readonly observer?: SchemaRegistryObserver
  /** Milliseconds that only go forward. Default: `performance.now`. */
  readonly now?: () => number
}

const defaultLimits: LookupLimits = { concurrent: 16, waiting: 10_000, unknown: 100, windowMs: 10_000 }

/**
 * Remembers what `registry` said, since an id never changes its meaning. One request serves all who ask for the same
 * at the same time; failures are not remembered, except ids that do not exist, for a while.
 *
 * The store is second to the schema registry, not the other way round: where a schema registry was set up anew,
 * an old id in a message would be read as another schema.
 */
export function createCachedSchemaRegistry(
  registry: SchemaRegistry & Partial<VersionedSchemaRegistry>,
  options: CacheOptions = {},
): SchemaRegistry & Partial<VersionedSchemaRegistry> {
  const { maxEntries = 1_000, unknownForMs = 60_000, askAgainAfterMs = 10_000, store } = options
  const now = options.now ?? (() => performance.now())
  const limiter = new LookupLimiter(options.limits ?? defaultLimits, now)
  const schemas = new Map<number, string>()
  const ids = new Map<string, number>()
  const unknownUntil = new Map<number, number>()
  const fetching = new Map<number, Promise<string>>()
  const registering = new Map<string, Promise<number>>()
  let unreachableUntil = -Infinity

  /** Asks the schema registry; while it is unreachable, the store. */
  async function answer<Value>(
    name: string,
    isUsable: (value: unknown) => value is Value,
    ask: () => Promise<Value>,
    observer: SchemaRegistryObserver,
  ): Promise<{ value: Value; source: SchemaSource }> {
    const kept = async (): Promise<Value | undefined> => {
      const value = await store?.read(name)
      return isUsable(value) ? value : undefined
    }
    if (now() < unreachableUntil) {
      const value = await kept()
      if (value !== undefined) return { value, source: 'disk' }
    }
    let value: Value
    try {
      value = await ask()
    } catch (error) {
      if (isMessagingError(error)) observer.errored?.(error)
      if (!isMessagingError(error, 'SCHEMA_REGISTRY_UNREACHABLE')) throw error
      unreachableUntil = now() + askAgainAfterMs
      const last = await kept()
      if (last === undefined) throw error
      return { value: last, source: 'disk' }
    }
    unreachableUntil = -Infinity
    // A full disk is no reason to fail a send.
    await store?.write(name, value).catch((error: unknown) => {
      if (isMessagingError(error)) observer.errored?.(error)
    })
    return { value, source: 'network' }
  }

  /** What was known here before must be read even while foreign bytes name ids that do not exist. */
  async function isKnown(id: number): Promise<boolean> {
    return [...ids.values()].includes(id) || isText(await store?.read(nameOf(id)))
  }

  async function fetchById(id: number, observer: SchemaRegistryObserver): Promise<string> {
    const startedAt = now()
    try {
      const { value, source } = await limiter.run(
        () => answer(nameOf(id), isText, () => registry.getById(id), observer),
        (error) => isMessagingError(error, 'SCHEMA_NOT_FOUND'),
        (reason) => new MessagingError('SCHEMA_LOOKUPS_LIMITED', { id, reason }),
        () => isKnown(id),
      )
      remember(schemas, id, value, maxEntries)
      observer.fetched?.({ id, source, durationMs: now() - startedAt })
      return value
    } catch (error) {
      if (isMessagingError(error, 'SCHEMA_NOT_FOUND')) remember(unknownUntil, id, now() + unknownForMs, maxEntries)
      throw error
    }
  }

  async function fetchId(
    key: string,
    subject: string,
    schema: string,
    references: References | undefined,
    observer: SchemaRegistryObserver,
  ): Promise<number> {
    const startedAt = now()
    const ask = (): Promise<number> => registry.register(subject, schema, references)
    const { value: id, source } = await answer(`subject ${key}`, isId, ask, observer)
    remember(ids, key, id, maxEntries)
    observer.registered?.({ subject, id, source, durationMs: now() - startedAt })
    return id
  }

  /** The one cache, as one observer sees it. */
  function createView(observer: SchemaRegistryObserver): SchemaRegistry {
    const view: SchemaRegistry = {
      getById(id) {
        const known = recall(schemas, id)
        if (known !== undefined) {
          observer.fetched?.({ id, source: 'cache', durationMs: 0 })
          return Promise.resolve(known)
        }
        const until = unknownUntil.get(id)
        if (until !== undefined) {
          if (now() < until) return Promise.reject(new MessagingError('SCHEMA_NOT_FOUND', { id }))
          unknownUntil.delete(id)
        }
        return share(fetching, id, () => fetchById(id, observer))
      },

      register(subject, schema, references) {
        const key = JSON.stringify([subject, schema, references ?? []])
        const known = recall(ids, key)
        if (known !== undefined) {
          observer.registered?.({ subject, id: known, source: 'cache', durationMs: 0 })
          return Promise.resolve(known)
        }
        return share(registering, key, () => fetchId(key, subject, schema, references, observer))
      },

      async close() {
        await registry.close?.()
      },
    }
    // Not enumerable: in a spread copy with methods of its own it would lead around these.
    return Object.defineProperty(view, 'observedBy', {
      value: (added: SchemaRegistryObserver) => createView(both(observer, added)),
    })
  }

  return Object.assign(createView(options.observer ?? {}), passThrough(registry))
}

/** What only tools ask is not remembered. */
const toolMethods = ['find', 'add', 'getVersion', 'checkCompatibility', 'getCompatibilityLevel'] as const

function passThrough(registry: Partial<VersionedSchemaRegistry>): Partial<VersionedSchemaRegistry> {
  const methods = toolMethods.filter((name) => registry[name] !== undefined)
  return Object.fromEntries(methods.map((name) => [name, (registry[name] as () => unknown).bind(registry)]))
}

function both(one: SchemaRegistryObserver, other: SchemaRegistryObserver): Required<SchemaRegistryObserver> {
  return {
    fetched(details) {
      one.fetched?.(details)
      other.fetched?.(details)
    },
    registered(details) {
      one.registered?.(details)
      other.registered?.(details)
    },
    errored(error) {
      one.errored?.(error)
      other.errored?.(error)
    },
  }
}

/** Its name in the store. */
function nameOf(id: number): string {
  return `id ${id}`
}

/** One promise for all who ask while it is under way. */
function share<Key, Value>(underWay: Map<Key, Promise<Value>>, key: Key, start: () => Promise<Value>): Promise<Value> {
  const shared = underWay.get(key)
  if (shared) return shared
  const started = start().finally(() => underWay.delete(key))
  underWay.set(key, started)
  return started
}

/** A Map keeps the order of insertion: what is put in again on each use leaves the oldest in front. */
function recall<Key, Value>(entries: Map<Key, Value>, key: Key): Value | undefined {
  const value = entries.get(key)
  if (value === undefined) return undefined
  entries.delete(key)
  entries.set(key, value)
  return value
}

function remember<Key, Value>(entries: Map<Key, Value>, key: Key, value: Value, maxEntries: number): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size > maxEntries) entries.delete(entries.keys().next().value as Key)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isId(value: unknown): value is number {
  return Number.isInteger(value)
}
