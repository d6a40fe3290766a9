import { environmentName } from '../config/environment.ts'
import type { MessagingConfig } from '../config/fields.ts'
import { createCachedSchemaRegistry } from '../encoding/cached-schema-registry.ts'
import { createEmbeddedSchemaRegistry } from '../encoding/embedded-schema-registry.ts'
import { createHttpSchemaRegistry, type ClosableSchemaRegistry } from '../encoding/http-schema-registry.ts'
import { createSchemaFiles } from '../encoding/schema-files.ts'
import type { SchemaRegistry, SchemaRegistryObserver } from '../encoding/schema-registry.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import { channels } from '../instrumentation/events.ts'

type Config = Pick<MessagingConfig, 'schemaRegistry' | 'environment'>

/** What `autoRegister` counts as development. */
const developmentNames = new Set(['development', 'test'])

/** The schema registry that configuration names, cached. Opens nothing. @throws CONFIG_MISSING */
export function createSchemaRegistry(config: Config, instance: string): SchemaRegistry {
  const urls = urlsOf(config)
  if (urls.includes('memory:')) return createEmbeddedSchemaRegistry()
  const { cacheDirectory } = config.schemaRegistry
  return createCachedSchemaRegistry(createSchemaRegistryClient(config), {
    observer: publishTo(instance),
    store: cacheDirectory === undefined ? undefined : createSchemaFiles(cacheDirectory, urls.toSorted().join(' ')),
  })
}

/**
 * A manifest’s own where it has one, else the configured one, which is made when it is first asked for. Calls of its own are
 * published like those of the configured one; if it has no cache it gets one.
 */
export function schemaRegistryOf(
  { schemaRegistry: own }: { readonly schemaRegistry: SchemaRegistry | undefined },
  { instance, schemaRegistry }: { readonly instance: string; readonly schemaRegistry: () => SchemaRegistry },
): () => SchemaRegistry {
  if (own === undefined) return schemaRegistry
  const observer = publishTo(instance)
  const adopted = own.observedBy?.(observer) ?? createCachedSchemaRegistry(own, { observer })
  return () => adopted
}

/** The same without caches, with all that tools ask for. @throws CONFIG_MISSING, CONFIG_INVALID for `memory:` */
export function createSchemaRegistryClient(config: Config): ClosableSchemaRegistry {
  const urls = urlsOf(config)
  if (urls.includes('memory:')) {
    const expected = 'the URL of a server: the schema registry inside the process has no versions'
    throw new MessagingError('CONFIG_INVALID', { path: 'schemaRegistry.url', value: '"memory:"', expected })
  }
  const { username, password, token, tls, proxy, requestTimeoutMs, timeoutMs, autoRegister } = config.schemaRegistry
  return createHttpSchemaRegistry({
    urls,
    username,
    password: password?.reveal(),
    token: token?.reveal(),
    tls: { ...tls, key: tls.key?.reveal() },
    proxy: proxy?.reveal(),
    requestTimeoutMs,
    timeoutMs,
    autoRegister:
      autoRegister === 'always' ||
      (autoRegister === 'in-development' && developmentNames.has(config.environment ?? '')),
  })
}

function urlsOf({ schemaRegistry }: Config): readonly string[] {
  const path = 'schemaRegistry.url'
  if (schemaRegistry.url === undefined) throw new MessagingError('CONFIG_MISSING', { path, env: environmentName(path) })
  return schemaRegistry.url
}

function publishTo(instance: string): SchemaRegistryObserver {
  return {
    fetched(details) {
      const channel = channels['schema.fetched']
      if (channel.hasSubscribers) channel.publish({ instance, ...details })
    },
    registered(details) {
      const channel = channels['schema.registered']
      if (channel.hasSubscribers) channel.publish({ instance, ...details })
    },
    errored(error) {
      const channel = channels['schema_registry.errored']
      if (channel.hasSubscribers) channel.publish({ instance, error })
    },
  }
}
