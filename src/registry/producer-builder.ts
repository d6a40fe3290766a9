import type { ConfigStore } from '../config/config-store.ts'
import { environmentName } from '../config/environment.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { createProducer } from '../factory/create-producer.ts'
import { createMessageIds } from '../factory/message-id.ts'
import type { MiddlewareList } from '../factory/middleware.ts'
import type { Producer } from '../factory/producer.ts'
import type { ProducerManifestClass } from '../factory/producer-manifest.ts'
import { readManifest } from '../factory/read-manifest.ts'
import type { SharedParts } from '../factory/shared-parts.ts'
import { channels } from '../instrumentation/events.ts'
import type { InstanceMetrics } from '../instrumentation/instance-metrics.ts'
import { createPayloadLog } from '../instrumentation/payload-log.ts'
import type { Tracing } from '../instrumentation/tracing.ts'
import type { ClientPool, ConnectedClient } from './client-pool.ts'
import type { ProducerVariant, VariantTransaction } from './producer-entries.ts'

export interface ProducerBuilderParts {
  readonly config: ConfigStore
  readonly clients: ClientPool
  readonly shared: SharedParts
  readonly tracing: Tracing | undefined
  readonly metrics: InstanceMetrics | undefined
  readonly middleware: MiddlewareList
}

const maxAttempts = 3
/** Stands for all manifests in a transaction, where configuration asks for the name of one. */
const transactionalManifest = '$transactions'

/** Makes producers. */
export class ProducerBuilder {
  readonly #parts: ProducerBuilderParts
  /** One for all producers, so that ids are in the order of the sends. */
  readonly #createMessageId = createMessageIds()

  constructor(parts: ProducerBuilderParts) {
    this.#parts = parts
  }

  /** @throws (rejects with) a MessagingError, always, that names the manifest */
  async build(Manifest: ProducerManifestClass, manifest: string, variant?: ProducerVariant): Promise<Producer> {
    const startedAt = performance.now()
    this.#parts.config.lock(manifest)
    try {
      const producer = await this.#create(Manifest, manifest, variant)
      this.#publishBuilt(producer, performance.now() - startedAt)
      return producer
    } catch (thrown) {
      this.release(manifest)
      const error = normalizeBuildFailure(thrown, manifest)
      const channel = channels['producer.build_failed']
      if (channel.hasSubscribers) channel.publish({ instance: this.#parts.shared.instance, manifest, error })
      throw error
    }
  }

  /**
   * The client of all transactions of one identity, with the settings that manifests have in common.
   * @throws CONFIG_MISSING, and as the first send of a manifest
   */
  async connectTransactional(
    transaction: VariantTransaction,
  ): Promise<{ connected: ConnectedClient; timeoutMs: number }> {
    const { config: store, clients } = this.#parts
    const config = store.resolve()
    const { transactionalId, transactionTimeoutMs: timeoutMs } = config
    const { id = transactionalId, overrides } = transaction
    if (id === undefined) {
      const path = 'transactionalId'
      throw new MessagingError('CONFIG_MISSING', { path, env: environmentName(path) })
    }
    const settings = { ...overrides, acks: 'all', idempotence: true } as const
    const { deliveryTimeoutMs } = store.resolveProducer(transactionalManifest, {}, settings)
    const profile = store.resolveProducer(
      transactionalManifest,
      {},
      {
        ...settings,
        deliveryTimeoutMs: Math.min(deliveryTimeoutMs, timeoutMs),
      },
    )
    return { connected: await clients.connect(config, profile, { id, timeoutMs }), timeoutMs }
  }

  /** A producer is gone. Once nothing is built from the configuration it can change, and with it the schema registry. */
  release(manifest: string): void {
    const { config, shared } = this.#parts
    config.unlock(manifest)
    if (!config.isLocked) void shared.closeSchemaRegistry()
  }

  async #create(
    Manifest: ProducerManifestClass,
    manifest: string,
    variant?: ProducerVariant,
    attempt = 1,
  ): Promise<Producer> {
    const { config: store, clients, middleware, tracing, metrics, shared } = this.#parts
    const config = store.resolve()
    // Before all that can fail, so that they hear of it.
    shared.startInstruments(config)
    const read = readManifest(Manifest)
    const producerConfig = store.resolveProducer(manifest, read.attributes, variant?.overrides)
    // What is to be traced is traced from the first message on.
    await tracing?.ready
    let connected: ConnectedClient | undefined
    const producer = await createProducer(read, producerConfig, {
      instance: shared.instance,
      config,
      tracing,
      meterOf: (topic) => metrics?.meterOf(manifest, topic),
      middleware: middleware.of(Manifest),
      createMessageId: this.#createMessageId,
      payloadLog: createPayloadLog(config.logging.logger, config.logging.payloads),
      schemaRegistry: () => shared.schemaRegistry(config),
      connect: async () => {
        connected = variant?.transaction
          ? (await this.connectTransactional(variant.transaction)).connected
          : await clients.connect(config, producerConfig)
        return connected
      },
    })
    // Lost after it was connected, while the topic was created: nobody would tell the producer any more.
    if (connected === undefined || !clients.isLeaving(connected)) return producer
    if (attempt < maxAttempts) return this.#create(Manifest, manifest, variant, attempt + 1)
    const reason = 'its client was lost while the producer was built, again and again'
    throw new MessagingError('PRODUCER_FATAL', { reason }, { outcome: 'not_sent', retriable: true })
  }

  #publishBuilt({ name: manifest, topic, driverName: driver }: Producer, durationMs: number): void {
    const channel = channels['producer.built']
    if (channel.hasSubscribers)
      channel.publish({ instance: this.#parts.shared.instance, manifest, topic, driver, durationMs })
  }
}

/** Every failure that leaves the SDK is a MessagingError that names its manifest. */
function normalizeBuildFailure(thrown: unknown, manifest: string): MessagingError {
  if (!isMessagingError(thrown)) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    return new MessagingError('DRIVER_FAILED', { reason }, { manifest, outcome: 'not_sent', cause: thrown })
  }
  return thrown.manifest === undefined ? thrown.of(manifest) : thrown
}
