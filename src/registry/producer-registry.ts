import type { Client } from '../driver/client.ts'
import type { ConfigStore } from '../config/config-store.ts'
import type { MessagingConfig } from '../config/fields.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { DeliveryReport } from '../factory/delivery-report.ts'
import type { Producer } from '../factory/producer.ts'
import {
  isProducerManifestClass,
  type MessageKey,
  type PayloadOf,
  type ProducerManifestClass,
} from '../factory/producer-manifest.ts'
import type { SendManyOptions, SendOptions } from '../factory/send-options.ts'
import { SharedParts } from '../factory/shared-parts.ts'
import type { Transaction } from '../factory/transaction.ts'
import { MiddlewareList, type SendMiddleware } from '../factory/middleware.ts'
import { channels } from '../instrumentation/events.ts'
import type { InstanceMetrics } from '../instrumentation/instance-metrics.ts'
import type { Tracing } from '../instrumentation/tracing.ts'
import { ClientPool, type ConnectedClient } from './client-pool.ts'
import { createManifestSender, type ManifestSender, type VariantOptions } from './create-manifest-sender.ts'
import { DisabledManifests } from './disabled-manifests.ts'
import { IdleClients } from './idle-clients.ts'
import { MessageSender, type SenderParts } from './message-sender.ts'
import {
  createVariant,
  ProducerEntries,
  transactionalVariant,
  type BuildProducer,
  type ProducerVariant,
  type VariantTransaction,
} from './producer-entries.ts'
import { closeOnExit } from './close-on-exit.ts'
import { ProducerBuilder } from './producer-builder.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { TransactionIdentities } from './transaction-identities.ts'
import { Transactions } from './transactions.ts'
import { withinTime } from '../timing/within-time.ts'
import { describeRegistry, type RegistryState, type RegistryStatus } from './registry-status.ts'

/** Producers by manifest: each is built on its first send, cached, and closed once. */
export class ProducerRegistry {
  readonly #config: ConfigStore
  readonly #entries = new ProducerEntries((...build) => this.#build(...build))
  readonly #senderParts: SenderParts = {
    instance: () => this.#shared.instance,
    entryOf: (Manifest, variant) => this.#entryOf(Manifest, variant),
    isDisabled: (Manifest, entry) => this.#isDisabled(Manifest, entry),
  }
  readonly #sender = new MessageSender(this.#senderParts)
  readonly #shared: SharedParts
  readonly #clients: ClientPool
  readonly #builder: ProducerBuilder
  readonly #middleware = new MiddlewareList()
  readonly #transactions: TransactionIdentities
  readonly #idleClients: IdleClients
  readonly #disabled = new DisabledManifests()
  #state: RegistryState = 'open'
  #closing: Promise<void> | undefined
  #builds = 0
  #stopWatchingExit: (() => void) | undefined

  constructor(
    config: ConfigStore,
    shared: SharedParts = new SharedParts(),
    tracing?: Tracing,
    metrics?: InstanceMetrics,
  ) {
    this.#config = config
    this.#shared = shared
    // A client with a fatal error sends nothing any more: the next send builds a new one.
    this.#clients = new ClientPool(shared, {
      onConnected: (connected) => this.#onConnected(connected),
      onFatal: ({ client }) => this.#forgetProducersOf(client, true),
    })
    shared.connectClient = (overrides) =>
      this.#clients.connect(config.resolve(), config.resolveProducer('dead letters', {}, overrides))
    shared.watchExit = () => {
      if (config.resolve().closeOnExit) this.#watchExit()
    }
    this.#builder = new ProducerBuilder({
      config,
      clients: this.#clients,
      shared,
      tracing,
      metrics,
      middleware: this.#middleware,
    })
    this.#transactions = new TransactionIdentities((identity) => this.#createTransactions(identity))
    shared.transactionsOf = (identity, overrides) => this.#transactions.of(identity, overrides)
    this.#idleClients = new IdleClients({
      connected: () => this.#clients.connected,
      entries: this.#entries,
      isReserved: ({ isTransactional }) => isTransactional && this.#transactions.isBusy,
      letGo: (connected) => this.#letGo(connected, 'idle'),
    })
  }

  /**
   * Sends one message; resolves when the broker has acknowledged it. Do not change the payload before.
   * @throws (rejects with) a MessagingError; docs/errors.md lists the codes
   */
  send<Manifest extends ProducerManifestClass>(
    Manifest: Manifest,
    payload: PayloadOf<Manifest>,
    options?: SendOptions,
  ): Promise<DeliveryReport> {
    return this.#sender.send(Manifest, payload, options)
  }

  /**
   * Sends a list in order; resolves with the reports by index when all are acknowledged.
   * @throws (rejects with) BATCH_FAILED when some failed, naming each index; the others were sent
   */
  sendMany<Manifest extends ProducerManifestClass>(
    Manifest: Manifest,
    payloads: readonly PayloadOf<Manifest>[],
    options?: SendManyOptions,
  ): Promise<readonly DeliveryReport[]> {
    return this.#sender.sendMany(Manifest, payloads, options)
  }

  /** Sends a message with `key` and no value, which deletes the key in a compacted topic. @throws (rejects) as `send` */
  tombstone(Manifest: ProducerManifestClass, key: MessageKey, options?: SendOptions): Promise<DeliveryReport> {
    return this.#sender.tombstone(Manifest, key, options)
  }

  /**
   * Sends without waiting: a failure becomes the event `message.failed`, and a process warning if nobody listens to it.
   * @throws MANIFEST_UNKNOWN, MANIFEST_INVALID (a name taken twice), REGISTRY_CLOSED at once, since these are mistakes of the caller
   */
  dispatch<Manifest extends ProducerManifestClass>(
    Manifest: Manifest,
    payload: PayloadOf<Manifest>,
    options?: SendOptions,
  ): void {
    this.#sender.dispatch(Manifest, payload, options)
  }

  /**
   * Waits until everything sent before this call is settled. Failures are told to those who sent, not here.
   * @throws FLUSH_TIMED_OUT after `timeoutMs`, if given
   */
  async flush(timeoutMs?: number): Promise<void> {
    const startedAt = performance.now()
    await this.#allHandedOver()
    const left = timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (performance.now() - startedAt))
    await Promise.all(this.#clients.connected.map(({ client }) => client.flush(left)))
  }

  /**
   * Refuses new sends at once, waits for what was accepted (at most closeTimeoutMs), fails the rest with CLOSE_TIMED_OUT
   * and releases everything. Never rejects; safe to call again, while connecting, and from a signal handler.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * Suppresses sends of `manifests` (of all, if none is given) made by `run` and by everything it awaits or starts.
   * Suppressed sends resolve with `suppressed: true`. Sends elsewhere in the process are not affected.
   * @example await registry.disable(OrderPlaced, () => importOldOrders())
   */
  disable<Result>(...args: [...manifests: ProducerManifestClass[], run: () => Result]): Result {
    const run = args.at(-1) as () => Result
    const manifests = args.slice(0, -1) as ProducerManifestClass[]
    if (typeof run !== 'function' || isProducerManifestClass(run)) {
      throw new MessagingError('INPUT_INVALID', {
        source: 'registry.disable()',
        reason: 'the last argument must be a function',
      })
    }
    for (const manifest of manifests) this.#entryOf(manifest)
    return this.#disabled.run(manifests, run)
  }

  /**
   * Adds middleware, which sees every message of `Manifest` (of all, if none is given) once, before its manifest does, in the
   * order it was added. The returned function takes it out again.
   * @example registry.use((message) => message.headers.push(['tenant', tenantOf()]))
   * @throws MANIFEST_UNKNOWN, MANIFEST_INVALID, INPUT_INVALID if the middleware is no function
   */
  use(run: SendMiddleware): () => void
  use<Manifest extends ProducerManifestClass>(Manifest: Manifest, run: SendMiddleware<PayloadOf<Manifest>>): () => void
  use(...args: [SendMiddleware] | [ProducerManifestClass, SendMiddleware]): () => void {
    const [Manifest, run] = args.length === 2 ? args : [undefined, args[0]]
    if (Manifest !== undefined) this.#entryOf(Manifest)
    if (typeof run !== 'function' || isProducerManifestClass(run)) {
      const reason = 'the last argument must be a function'
      throw new MessagingError('INPUT_INVALID', { source: 'registry.use()', reason })
    }
    return this.#middleware.add(Manifest, run)
  }

  /**
   * Sends of one manifest with other settings than it has elsewhere: settings that are equal share a client. Between variants no
   * order is kept. At most 20 for one manifest.
   * @example await registry.with(PriceChanged, { acks: 1, deliveryTimeoutMs: 500 }).send(price)
   * @throws MANIFEST_UNKNOWN, MANIFEST_INVALID, CONFIG_INVALID, CONFIG_UNKNOWN_FIELD, REGISTRY_CLOSED
   */
  with<Manifest extends ProducerManifestClass>(Manifest: Manifest, settings: VariantOptions): ManifestSender<Manifest> {
    const manifest = this.#entryOf(Manifest).name
    const variant = createVariant(this.#config.acceptOverrides(manifest, settings))
    return createManifestSender(Manifest, new MessageSender(this.#senderParts, variant))
  }

  /**
   * Runs `work`; what it sends by the transaction it is given becomes visible together when it is done and all is acknowledged, or
   * not at all when it throws or anything fails. One at a time; further ones wait. Needs `transactionalId`.
   * @example await registry.transaction(async (tx) => { await tx.send(OrderPlaced, order); await tx.send(StockTaken, item) })
   * @throws (rejects with) what `work` throws, TRANSACTION_ABORTED with `failures`, PRODUCER_FENCED, CONFIG_MISSING, TRANSACTION_INVALID
   * where the driver has none or in another transaction, and as the first send of a manifest
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result> | Result): Promise<Result> {
    return this.#transactions.configured.run(work)
  }

  /** Closes clients that have nothing to do, and returns how many. The next send of their manifests connects again. */
  disconnectIdle(): number {
    return this.#idleClients.letGo()
  }

  /** @internal Clients log in with what is configured now; see `Messaging.rotateCredentials`. */
  refreshCredentials(): void {
    const { sasl, closeTimeoutMs } = this.#config.resolve()
    this.#clients.setCredentials(sasl, (connected) => {
      this.#forgetProducersOf(connected.client)
      this.#clients.retire(connected, closeTimeoutMs)
    })
  }

  /** What is built, connected and pending now. Plain data without payloads or secrets. */
  status(): RegistryStatus {
    return describeRegistry(this.#state, this.#entries, this.#clients.connected, this.#config.overriddenManifests)
  }

  /** @throws MANIFEST_UNKNOWN, MANIFEST_INVALID, REGISTRY_CLOSED */
  #entryOf(Manifest: ProducerManifestClass, variant?: ProducerVariant): ProducerEntry {
    const entry = this.#entries.of(Manifest, variant)
    // A transaction that was begun before close() may still end.
    if (!variant?.transaction || this.#state === 'closed') this.#assertOpen(entry.name)
    return entry
  }

  #assertOpen(manifest: string): void {
    if (this.#state === 'open') return
    throw new MessagingError('REGISTRY_CLOSED', { state: this.#state, manifest }, { manifest })
  }

  async #build(...build: Parameters<BuildProducer>): Promise<Producer> {
    this.#builds++
    // A signal must not lose what waits for the producer.
    if (this.#closeConfig().closeOnExit) this.#watchExit()
    try {
      return await this.#builder.build(...build)
    } finally {
      const isDurable = this.#clients.connected.some(({ driver }) => driver.capabilities.durable)
      // A driver made for tests has nothing that could be lost, nor holds it the process.
      if (--this.#builds === 0 && !isDurable) this.#unwatchExit()
    }
  }

  #onConnected({ driver }: ConnectedClient): void {
    const { closeOnExit: closesOnExit, idleDisconnectMs } = this.#config.resolve()
    this.#idleClients.watch(idleDisconnectMs)
    if (closesOnExit && driver.capabilities.durable) this.#watchExit()
  }

  #watchExit(): void {
    this.#stopWatchingExit ??= closeOnExit(this)
  }

  #unwatchExit(): void {
    this.#stopWatchingExit?.()
    this.#stopWatchingExit = undefined
  }

  #isDisabled(Manifest: ProducerManifestClass, entry: ProducerEntry): boolean {
    if (!this.#disabled.has(Manifest)) return false
    const channel = channels['message.suppressed']
    if (channel.hasSubscribers) channel.publish({ instance: this.#shared.instance, manifest: entry.name })
    return true
  }

  #createTransactions(identity: VariantTransaction): Transactions {
    return new Transactions({
      instance: () => this.#shared.instance,
      sender: new MessageSender(this.#senderParts, transactionalVariant(identity)),
      connect: () => this.#builder.connectTransactional(identity),
      discard: (connected) => void this.#letGo(connected, 'failed'),
      release: (connected) => void this.#letGo(connected, 'idle'),
      assertOpen: () => this.#assertOpen('A transaction'),
    })
  }

  /** What is pending is given up; the next send connects again. */
  #letGo(connected: ConnectedClient, reason: 'idle' | 'failed'): boolean {
    this.#forgetProducersOf(connected.client)
    return this.#clients.disconnect(connected, reason)
  }

  #forgetProducersOf(client: Client, afterFailure = false): void {
    for (const entry of this.#entries) {
      if (!entry.producer?.uses(client)) continue
      entry.forget(afterFailure)
      this.#builder.release(entry.name)
    }
  }

  /** Everything accepted so far is with a client, or has failed. */
  async #allHandedOver(): Promise<void> {
    const entries = [...this.#entries]
    await Promise.all(entries.flatMap(({ building }) => building ?? []))
    await Promise.all(entries.flatMap(({ producer }) => (producer?.isHandingOver ? producer.handedOver() : [])))
  }

  async #close(): Promise<void> {
    // Handlers that still run may send.
    const stopped = this.#shared.stopConsumers?.()
    if (stopped) await stopped
    const startedAt = performance.now()
    this.#state = 'closing'
    const { pending } = this.status()
    if (channels['registry.closing'].hasSubscribers)
      channels['registry.closing'].publish({ instance: this.#shared.instance, pending })
    const { closeTimeoutMs } = this.#closeConfig()
    await withinTime(Promise.all([this.#allHandedOver(), this.#transactions.ended()]), closeTimeoutMs)
    for (const entry of this.#entries) {
      const manifest = entry.name
      const reason = `its producer was not built within closeTimeoutMs (${closeTimeoutMs} ms)`
      entry.giveUp(new MessagingError('CLOSE_TIMED_OUT', { reason }, { manifest, outcome: 'not_sent' }))
    }
    const left = Math.max(0, Math.round(closeTimeoutMs - (performance.now() - startedAt)))
    const unsettled = await this.#clients.close(left)
    this.#unwatchExit()
    this.#idleClients.stop()
    await this.#shared.closeSchemaRegistry()
    this.#state = 'closed'
    const durationMs = performance.now() - startedAt
    if (channels['registry.closed'].hasSubscribers)
      channels['registry.closed'].publish({ instance: this.#shared.instance, durationMs, unsettled })
    await this.#shared.closeInstruments()
  }

  /** A registry that has built nothing may have configuration that cannot be resolved; this is no time to say so. */
  #closeConfig(): Pick<MessagingConfig, 'closeTimeoutMs' | 'closeOnExit'> {
    try {
      return this.#config.resolve()
    } catch {
      return { closeTimeoutMs: 0, closeOnExit: false }
    }
  }
}
