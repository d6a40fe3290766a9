import type { ConfigStore } from '../config/config-store.ts'
import type { ConsumerOptions } from '../config/fields.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import {
  consumerNameOf,
  isConsumerManifestClass,
  type ConsumeMiddleware,
  type ConsumerManifestClass,
} from '../factory/consumer-manifest.ts'
import { MiddlewareList } from '../factory/middleware.ts'
import type { SharedParts } from '../factory/shared-parts.ts'
import type { MetricsReader } from '../instrumentation/instance-metrics.ts'
import { BatchStream, type ConsumerStream } from './batch-stream.ts'
import { mergeHealth, type ConsumersHealth } from './consumers-health.ts'
import type { StartOptions } from './create-groups.ts'
import { Endpoints, type HealthPlace } from './endpoints/endpoints.ts'
import type { Endpoint } from './endpoints/http-endpoint.ts'
import type { ConsumerGroups, RunningConsumers } from './running-consumers.ts'

/** Fields of the `consumer` table for one run. */
export type ConsumerRunOptions = Omit<ConsumerOptions, 'topic'>

/** The consumers of one messaging instance. */
export class Consumers {
  readonly #store: ConfigStore
  readonly #shared: SharedParts
  readonly #running = new Set<ConsumerGroups>()
  readonly #middleware = new MiddlewareList<ConsumeMiddleware, ConsumerManifestClass>()
  readonly #starting = new Set<Promise<ConsumerGroups>>()
  readonly #endpoints: Endpoints
  /** What stopped runs that were not started again, by their manifests. */
  readonly #failures = new Map<string, MessagingError>()
  #hasRun = false
  #isClosed = false

  constructor(store: ConfigStore, shared: SharedParts, metrics: MetricsReader) {
    this.#store = store
    this.#shared = shared
    const consumers = { running: this.#running, health: () => this.health() }
    this.#endpoints = new Endpoints({ instance: () => shared.instance, consumers, metrics })
    shared.stopConsumers = () => {
      this.#isClosed = true
      const isQuiet = this.#running.size + this.#starting.size === 0 && this.#endpoints.isEmpty
      return isQuiet ? undefined : this.stop()
    }
  }

  /**
   * Joins the groups of these manifests, those of one group as one member, and handles what comes until it is stopped; resolves
   * when they have subscribed.
   * @param options fields of the `consumer` table, for all of them; they win over every layer of configuration
   * @example const running = await messaging.consumers.run([BillOrder, NotifyCustomer])
   * @example await messaging.consumers.run([BillOrder], { startFrom: 'PT1H', startPolicy: 'always' }) // the last hour once more
   * @throws CONSUMER_UNKNOWN, CONFIG_UNKNOWN_FIELD, CONFIG_INVALID, MANIFEST_INVALID, CONFIG_MISSING, CONSUMER_STOPPED, DRIVER_CANNOT_CONSUME, what connecting throws, and AUTHORIZATION_DENIED or TOPIC_INVALID where topics for failures are to be created
   */
  run(manifests: readonly ConsumerManifestClass[], options: ConsumerRunOptions = {}): Promise<RunningConsumers> {
    return this.#track(this.#start(manifests, { use: 'run', overrides: options }))
  }

  /**
   * The messages of a manifest in batches, pulled: the next one comes when it is asked for. Nothing is committed but by
   * `batch.commit()`. Ends with the loop, or with `stop()`.
   * @example for await (const batch of messaging.consumers.stream(BillOrder)) { … ; await batch.commit() }
   * @throws when the first batch is asked for, as `run`
   */
  stream<Payload>(Manifest: ConsumerManifestClass<Payload>, options: ConsumerRunOptions = {}): ConsumerStream<Payload> {
    const overrides: ConsumerRunOptions = { ...options, commit: 'manual', retryLaterMs: [] }
    return new BatchStream<Payload>((handleBatch) =>
      this.#track(this.#start([Manifest], { use: 'stream', overrides, handleBatch })),
    )
  }

  /**
   * Adds middleware around the handler of `Manifest` (of all, if none is given), in the order it was added; also for what runs already.
   * The returned function takes it out again.
   * @example consumers.use((messages, context, next) => tenants.run(messages[0]!.header('tenant'), next))
   * @throws CONSUMER_UNKNOWN, INPUT_INVALID if the middleware is no function
   */
  use(run: ConsumeMiddleware): () => void
  use(Manifest: ConsumerManifestClass, run: ConsumeMiddleware): () => void
  use(...args: [ConsumeMiddleware] | [ConsumerManifestClass, ConsumeMiddleware]): () => void {
    const [Manifest, run] = args.length === 2 ? args : [undefined, args[0]]
    if (Manifest !== undefined) assertManifest(Manifest)
    if (typeof run !== 'function' || isConsumerManifestClass(run)) {
      const reason = 'the last argument must be a function'
      throw new MessagingError('INPUT_INVALID', { source: 'consumers.use()', reason })
    }
    return this.#middleware.add(Manifest, run)
  }

  /** Whether messages are being handled, by all that run in this instance. */
  health(): ConsumersHealth {
    return mergeHealth(
      Array.from(this.#running, (running) => running.health()),
      { isStarting: this.#starting.size > 0, hasRun: this.#hasRun, failures: [...this.#failures.values()] },
    )
  }

  /**
   * Answers probes over HTTP until the consumers stop for good, also while none runs yet: `/health`, `/health/live`, `/health/ready`
   * (200 or 503) and, with metrics on, `/metrics`. The first run does so by itself where `health.port` is configured.
   * @example const { address } = await messaging.consumers.serveHealth({ port: 0 }) // http://127.0.0.1:40123
   * @throws LISTEN_FAILED, CONSUMER_STOPPED
   */
  serveHealth(place: HealthPlace): Promise<Endpoint> {
    return this.#endpoints.serveHealth(place)
  }

  /**
   * Lets `postrider consumers` look at and steer what runs, by a Unix domain socket that only this user can reach, until the consumers
   * stop for good. The first run does so by itself where `controlSocket` is configured.
   * @throws LISTEN_FAILED, CONSUMER_STOPPED
   */
  serveControl(socketPath: string): Promise<Endpoint> {
    return this.#endpoints.serveControl(socketPath)
  }

  /** @internal Clients log in with what is configured now; see `Messaging.rotateCredentials`. */
  refreshCredentials(): void {
    const { sasl } = this.#store.resolve()
    for (const groups of this.#running) groups.setCredentials(sasl)
    // They may have asked for the credentials already.
    for (const starting of this.#starting) {
      starting.then(
        (groups) => groups.setCredentials(sasl),
        () => undefined,
      )
    }
  }

  /** Stops all that runs. Nothing can be started any more. */
  async stop(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#starting)
    await Promise.all([...this.#running].map((running) => running.stop()))
    await this.#endpoints.close()
  }

  #track(starting: Promise<ConsumerGroups>): Promise<ConsumerGroups> {
    this.#starting.add(starting)
    const forget = (): void => void this.#starting.delete(starting)
    starting.then(forget, forget)
    return starting
  }

  async #start(manifests: readonly ConsumerManifestClass[], start: StartOptions): Promise<ConsumerGroups> {
    for (const Manifest of manifests) {
      assertManifest(Manifest)
      const manifest = consumerNameOf(Manifest)
      if (this.#isClosed) throw new MessagingError('CONSUMER_STOPPED', { manifest }, { manifest })
    }
    const overrides = this.#store.acceptRunOptions(start.overrides ?? {})
    const names = manifests.map(consumerNameOf)
    for (const name of names) this.#store.lock(name, 'consumers')
    const unlock = (): void => {
      for (const name of names) this.#store.unlock(name, 'consumers')
      if (!this.#store.isLocked) void this.#shared.closeSchemaRegistry()
    }
    try {
      // Before the brokers are asked: a probe is answered meanwhile.
      await this.#endpoints.openConfigured(this.#store.resolve())
      // Most processes only send.
      const { createGroups } = await import('./create-groups.ts')
      const parts = { store: this.#store, shared: this.#shared, middleware: this.#middleware, ...start, overrides }
      const groups: ConsumerGroups = await createGroups(manifests, parts, (failure) => {
        this.#running.delete(groups)
        if (failure) this.#failures.set(names.join(), failure)
        unlock()
      })
      this.#running.add(groups)
      this.#hasRun = true
      this.#failures.delete(names.join())
      return groups
    } catch (error) {
      unlock()
      throw error
    }
  }
}

function assertManifest(given: unknown): void {
  if (isConsumerManifestClass(given)) return
  const value = typeof given === 'function' ? given.name : typeof given
  throw new MessagingError('CONSUMER_UNKNOWN', { value })
}
