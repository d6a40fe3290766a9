import { ConfigStore, type ConfigExplanation } from './config/config-store.ts'
import type { MessagingConfig, MessagingOptions } from './config/fields.ts'
import { manifestNameOf, type ProducerManifestClass } from './factory/producer-manifest.ts'
import { readManifest } from './factory/read-manifest.ts'
import { SharedParts } from './factory/shared-parts.ts'
import { startErrorReporting } from './instrumentation/error-reporting.ts'
import { InstanceMetrics, isCounting, type MetricsReader } from './instrumentation/instance-metrics.ts'
import type { Instrument } from './instrumentation/instrument.ts'
import { startLogging } from './instrumentation/log-instrument.ts'
import { Tracing, type TracingControl } from './instrumentation/tracing.ts'
import { Consumers } from './consumer/consumers.ts'
import { ProducerRegistry } from './registry/producer-registry.ts'

export interface ConfigureOptions {
  /** A shared package configures the `library` layer; what an application configures is stronger. Default `application`. */
  readonly layer?: 'library' | 'application'
}

/** An isolated instance: configuration and registry of its own. */
export interface Messaging extends AsyncDisposable {
  readonly registry: ProducerRegistry
  readonly consumers: Consumers
  readonly config: MessagingConfiguration
  readonly tracing: TracingControl
  readonly metrics: MetricsReader
  /** Adds options; all or nothing. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID, CONFIG_IN_USE */
  configure(options: MessagingOptions, how?: ConfigureOptions): void
  /**
   * Logs in with other SASL credentials from now on; what is not given stays. Connections that exist go on, and nothing that is
   * queued is lost: call it before the old ones end. @throws CONFIG_MISSING without `sasl.mechanism`, CONFIG_INVALID
   */
  rotateCredentials(credentials: { readonly username?: string; readonly password?: string }): void
  /** Stops consumers, then closes the registry; see `ProducerRegistry.close`. */
  close(): Promise<void>
}

export interface MessagingConfiguration {
  /** The resolved, frozen configuration. @throws CONFIG_INVALID, CONFIG_UNKNOWN_FIELD, CONFIG_MISSING */
  resolve(): MessagingConfig
  /**
   * Which layer set a field, and which it beat: `explain('brokers')`, `explain('producers.OrderPlaced.acks')`.
   * Attributes of a manifest count once it was sent; `explain(OrderPlaced, 'acks')` counts them at once.
   * @throws CONFIG_UNKNOWN_FIELD
   */
  explain(path: string): ConfigExplanation
  explain(manifest: ProducerManifestClass, field: string): ConfigExplanation
}

/** What configuration can switch on. Each is asked at the first build, and gives undefined where it is off. */
const instruments: readonly ((config: MessagingConfig, instance: string) => Instrument | undefined)[] = [
  (config, instance) => startErrorReporting(config.errorNotifier, instance, config.environment),
  (config, instance) => startLogging(config.logging, instance),
]

/** Makes an instance that shares nothing with others. Nothing is loaded or opened before its first send. */
export function createMessaging(
  options: MessagingOptions = {},
  environment: NodeJS.ProcessEnv = process.env,
): Messaging {
  const store = new ConfigStore(environment)
  store.configure(options)
  const tracing = new Tracing()
  const metrics = new InstanceMetrics(() => registry.status().clients)
  const shared = new SharedParts((config, instance) =>
    [
      metrics.start(config.metrics, instance),
      watchEventLoop(config),
      tracing.start(config.tracing),
      ...instruments.map((start) => start(config, instance)),
    ].filter((instrument) => instrument !== undefined),
  )
  const watchEventLoop = ({ metrics: options }: MessagingConfig): Instrument | undefined => {
    if (!isCounting(options)) return undefined
    const stop = shared.eventLoop.start(options.eventLoopIntervalMs)
    return { close: () => Promise.resolve(stop()) }
  }
  const registry: ProducerRegistry = new ProducerRegistry(store, shared, tracing, metrics)
  const consumers = new Consumers(store, shared, metrics)
  const close = (): Promise<void> => registry.close()
  return {
    registry,
    consumers,
    config: {
      resolve: () => store.resolve(),
      explain(target: string | ProducerManifestClass, field?: string) {
        if (typeof target === 'string') return store.explain(target)
        return store.explain(`producers.${manifestNameOf(target)}.${field}`, readManifest(target).attributes)
      },
    },
    metrics,
    tracing,
    configure: (added, { layer } = {}) => store.configure(added, layer),
    rotateCredentials(credentials) {
      store.rotateCredentials(credentials)
      registry.refreshCredentials()
      consumers.refreshCredentials()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The default instance: the only state at module level. */
export const messaging: Messaging = createMessaging()

/** Configures the default instance. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID, CONFIG_IN_USE */
export function configure(options: MessagingOptions, how?: ConfigureOptions): void {
  messaging.configure(options, how)
}

/** The producers of the default instance. */
export const registry: ProducerRegistry = messaging.registry
