import { environmentName } from '../config/environment.ts'
import type { MessagingConfig, ProducerConfig } from '../config/fields.ts'
import { Client } from '../driver/client.ts'
import { createDriverError } from '../driver/driver-error.ts'
import type {
  BrokerStatistics,
  ClientProfile,
  Driver,
  DriverCredentials,
  DriverFailure,
  DriverOptions,
  TransactionIdentity,
} from '../driver/driver.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { SharedParts } from '../factory/shared-parts.ts'
import { channels, type EventPayloads } from '../instrumentation/events.ts'
import { withinTime } from '../timing/within-time.ts'

export interface ConnectedClient {
  readonly key: string
  readonly driverName: string
  readonly profile: ClientProfile
  readonly client: Client
  readonly driver: Driver
  readonly isTransactional: boolean
}

const profileFields = [
  'acks',
  'idempotence',
  'compression',
  'lingerMs',
  'maxInFlight',
  'deliveryTimeoutMs',
  'requestTimeoutMs',
  'maxMessageBytes',
  'partitioner',
  'queueMaxMessages',
  'queueMaxBytes',
  'queueTimeoutMs',
] as const satisfies readonly (keyof ClientProfile)[]

export interface ClientPoolObserver {
  onConnected(connected: ConnectedClient): void
  /** It can send no more, and is about to be closed. */
  onFatal(connected: ConnectedClient): void
}

/** How long a client with a fatal error may tell what became of its messages. */
const lastWordsMs = 1000

/** Clients by profile: producers whose profile is the same share one. A failed connection is forgotten, so the next send tries again. */
export class ClientPool {
  readonly #connections = new Map<string, Promise<ConnectedClient>>()
  readonly #connected = new Set<ConnectedClient>()
  /** Closing, or closed. */
  readonly #leaving = new WeakSet<ConnectedClient>()
  /** Lost and not replaced yet. */
  readonly #failed = new Map<string, { readonly failure: DriverFailure; readonly at: number }>()
  readonly #observer: ClientPoolObserver
  readonly #shared: SharedParts
  #isClosed = false

  constructor(shared: SharedParts, observer: ClientPoolObserver) {
    this.#shared = shared
    this.#observer = observer
  }

  get connected(): readonly ConnectedClient[] {
    return [...this.#connected]
  }

  /** @throws CONFIG_MISSING, BROKERS_UNREACHABLE, AUTHENTICATION_FAILED and the DRIVER_* codes */
  connect(
    config: MessagingConfig,
    producerConfig: ProducerConfig,
    transaction?: TransactionIdentity,
  ): Promise<ConnectedClient> {
    const profile = Object.fromEntries(
      profileFields.map((name) => [name, producerConfig[name]]),
    ) as unknown as ClientProfile
    const key = JSON.stringify([profile, transaction])
    const known = this.#connections.get(key)
    if (known) return known
    const connection = this.#open(key, config, profile, transaction)
    this.#connections.set(key, connection)
    connection.catch(() => this.#connections.delete(key))
    return connection
  }

  /**
   * Closes one client, giving up what is pending; the next `connect` with its profile makes a new one. False if it is closing already.
   * @param failure why, where the client can send no more: what it says itself of its messages is waited for a second
   */
  disconnect(connected: ConnectedClient, reason: 'idle' | 'failed', failure?: DriverFailure): boolean {
    if (!this.#leave(connected)) return false
    if (failure) this.#failed.set(connected.key, { failure, at: performance.now() })
    void this.#close(connected, failure ? lastWordsMs : 0, reason, failure)
    return true
  }

  /**
   * Gives clients other credentials, those that are still connecting too.
   * @param replace for one whose driver has to be made anew
   */
  setCredentials(credentials: DriverCredentials, replace: (connected: ConnectedClient) => void): void {
    for (const connecting of this.#connections.values()) {
      connecting.then(
        (connected) => {
          if (connected.driver.setCredentials) connected.driver.setCredentials(credentials)
          else replace(connected)
        },
        () => undefined,
      )
    }
  }

  /** Lets a client finish what it has; the next `connect` with its profile makes a new one. */
  retire(connected: ConnectedClient, timeoutMs: number): void {
    if (this.#leave(connected)) void this.#close(connected, timeoutMs, 'replaced')
  }

  isLeaving(connected: ConnectedClient): boolean {
    return this.#leaving.has(connected)
  }

  /** False for one that is already on its way: the place under its key may be its successor’s by now. */
  #leave(connected: ConnectedClient): boolean {
    if (this.#leaving.has(connected)) return false
    this.#leaving.add(connected)
    return this.#connections.delete(connected.key)
  }

  /**
   * Closes every client, all within `timeoutMs`; one that is still connecting by then is closed when it is there.
   * Resolves with the number of messages given up.
   */
  async close(timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs
    await withinTime(Promise.allSettled(this.#connections.values()), timeoutMs)
    this.#isClosed = true
    const left = Math.max(0, Math.round(deadline - performance.now()))
    const unsettled = await Promise.all([...this.#connected].map((connected) => this.#close(connected, left, 'closed')))
    return unsettled.reduce((sum, count) => sum + count, 0)
  }

  async #open(
    key: string,
    config: MessagingConfig,
    profile: ClientProfile,
    transaction?: TransactionIdentity,
  ): Promise<ConnectedClient> {
    const startedAt = performance.now()
    const module = await this.#shared.loadDriver(config.driver)
    const passThrough =
      (config.driverOptions as Readonly<Record<string, DriverOptions['passThrough']>>)[module.name] ?? {}
    if (config.brokers === undefined && module.needsBrokers(passThrough)) {
      throw new MessagingError('CONFIG_MISSING', { path: 'brokers', env: environmentName('brokers') })
    }
    const { clientId, connectTimeoutMs, tls, sasl, brokers = [] } = config
    let connected: ConnectedClient | undefined
    const onFailure = (failure: DriverFailure): void => {
      const channel = channels['client.errored']
      if (channel.hasSubscribers)
        channel.publish({
          instance: this.#shared.instance,
          driver: module.name,
          clientId,
          error: createDriverError(failure),
        })
      // A client in the middle of a transaction is let go by what runs it, which hears of the failure by its next call.
      if (!failure.fatal || !connected || transaction) return
      this.#observer.onFatal(connected)
      this.disconnect(connected, 'failed', failure)
    }
    const onStatistics = (brokers: readonly BrokerStatistics[]): void => {
      const channel = channels['broker.measured']
      if (!channel.hasSubscribers) return
      for (const statistics of brokers)
        channel.publish({
          instance: this.#shared.instance,
          driver: module.name,
          ...statistics,
          broker: String(statistics.broker),
        })
    }
    const { driverStatisticsMs: intervalMs } = config.metrics
    const driver = await module.createDriver({
      brokers,
      clientId,
      connectTimeoutMs,
      tls,
      sasl,
      profile,
      passThrough,
      transaction,
      onFailure,
      statistics:
        intervalMs > 0 && channels['broker.measured'].hasSubscribers ? { intervalMs, onStatistics } : undefined,
    })
    if (this.#isClosed) {
      await driver.close()
      throw createDriverError({
        code: 'CLOSE_TIMED_OUT',
        reason: 'it was closed while connecting',
        outcome: 'not_sent',
      })
    }
    connected = {
      key,
      driverName: module.name,
      profile,
      client: new Client(driver, profile),
      driver,
      isTransactional: transaction !== undefined,
    }
    this.#connected.add(connected)
    this.#observer.onConnected(connected)
    if (channels['client.connected'].hasSubscribers) {
      const durationMs = performance.now() - startedAt
      channels['client.connected'].publish({
        instance: this.#shared.instance,
        driver: module.name,
        clientId,
        durationMs,
      })
    }
    this.#tellReplaced(key, module.name, clientId)
    return connected
  }

  #tellReplaced(key: string, driver: string, clientId: string): void {
    const failed = this.#failed.get(key)
    this.#failed.delete(key)
    const channel = channels['client.replaced']
    if (failed === undefined || !channel.hasSubscribers) return
    const error = createDriverError(failed.failure)
    channel.publish({ instance: this.#shared.instance, driver, clientId, error, downMs: performance.now() - failed.at })
  }

  async #close(
    connected: ConnectedClient,
    timeoutMs: number,
    reason: EventPayloads['client.closed']['reason'],
    failure?: DriverFailure,
  ): Promise<number> {
    const startedAt = performance.now()
    const unsettled = await connected.client.close(timeoutMs, failure)
    if (this.#connected.delete(connected) && channels['client.closed'].hasSubscribers) {
      const durationMs = performance.now() - startedAt
      channels['client.closed'].publish({
        instance: this.#shared.instance,
        driver: connected.driverName,
        reason,
        unsettled,
        durationMs,
      })
    }
    return unsettled
  }
}
