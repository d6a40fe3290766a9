import { setTimeout as delay } from 'node:timers/promises'
import { createDriverError } from '../driver-error.ts'
import type { ClientProfile, DriverCredentials, DriverFailure, DriverOptions, TopicSpecification } from '../driver.ts'
import { BrokerConnection, type BrokerAddress } from './broker-connection.ts'
import { normalizeLibraryError, normalizeProtocolError } from './classify.ts'
import { saslOptions } from './connection-options.ts'
import { FailedRequest } from './failed-request.ts'
import type { ConnectionOptions, LibraryError, PlatformaticModule } from './platformatic-module.ts'
import type { ProducerIdentity } from './record-batch.ts'

/** Of a driver or of a consumer. */
export interface ClusterOptions extends Pick<
  DriverOptions,
  'brokers' | 'clientId' | 'connectTimeoutMs' | 'sasl' | 'onFailure'
> {
  readonly profile: Pick<ClientProfile, 'idempotence' | 'requestTimeoutMs'>
  /** Whether brokers may create topics that are asked for. */
  readonly createsTopics: boolean
}

/** What the brokers say of a topic. */
export interface TopicMetadata {
  /** Kafka’s error number; 0 for none. */
  readonly errorCode: number
  /** The id of the leading broker for each partition; -1 where there is none at the moment. */
  readonly leaders: readonly number[]
  /** Told by brokers from Kafka 2.8 on. */
  readonly topicId?: string | undefined
}

interface MetadataResponse {
  readonly brokers: readonly (BrokerAddress & { readonly nodeId: number })[]
  readonly controllerId: number
  readonly topics: readonly {
    readonly name: string | null
    readonly errorCode: number
    readonly topicId?: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly leaderId: number }[]
  }[]
}

const topicAlreadyExists = 36
/** Brokers that start, or that learn who controls and coordinates. */
const mayPass: ReadonlySet<string> = new Set(['BROKERS_UNREACHABLE', 'BROKER_UNAVAILABLE', 'REQUEST_TIMED_OUT'])
const tryAgainMs = 100
const maxBackoffMs = 1000
const closeWithinMs = 1000
const askedAtOnce = 3

/** The brokers: where they are, who leads what, and a connection to each that is needed. */
export class Cluster {
  readonly #library: PlatformaticModule
  readonly #options: ClusterOptions
  #connectionOptions: ConnectionOptions
  readonly #seeds: readonly BrokerAddress[]
  #brokers = new Map<number, BrokerAddress>()
  #controllerId = -1
  readonly #connections = new Map<number, BrokerConnection>()
  readonly #opening = new Map<number, Promise<BrokerConnection>>()
  #seed: BrokerConnection | undefined
  readonly #connectedBefore = new Set<number>()
  readonly #onReconnect: (nodeId: number) => void
  /** How long to wait before the next connection to a broker that could not be reached. */
  readonly #backoffMs = new Map<number, number>()
  readonly #closing = new AbortController()

  constructor(
    library: PlatformaticModule,
    options: ClusterOptions,
    connectionOptions: ConnectionOptions,
    onReconnect: (nodeId: number) => void = () => undefined,
  ) {
    this.#onReconnect = onReconnect
    this.#library = library
    this.#options = options
    this.#connectionOptions = connectionOptions
    this.#seeds = options.brokers.map(parseAddress)
  }

  /**
   * Finds the brokers through any that answers, and gets a producer id where one is needed.
   * @throws BROKERS_UNREACHABLE after connectTimeoutMs, AUTHENTICATION_FAILED at once
   */
  async connect(): Promise<ProducerIdentity | undefined> {
    const { connectTimeoutMs, brokers, profile } = this.#options
    const deadline = performance.now() + connectTimeoutMs
    const giveUp = setTimeout(() => this.#seed?.abort(), connectTimeoutMs)
    for (;;) {
      try {
        await this.metadata([], Math.max(1, deadline - performance.now()))
        const identity = profile.idempotence ? await this.identify() : undefined
        clearTimeout(giveUp)
        return identity
      } catch (error) {
        const failure = this.failureOf(error)
        const isOver = this.#closing.signal.aborted || performance.now() + tryAgainMs >= deadline
        if (!isOver && mayPass.has(failure.code)) {
          await delay(tryAgainMs)
          continue
        }
        clearTimeout(giveUp)
        await this.close()
        const patience = `no answer from ${brokers.join(', ')} within connectTimeoutMs (${connectTimeoutMs} ms)`
        const reason = failure.code === 'BROKERS_UNREACHABLE' ? `${failure.reason}; ${patience}` : failure.reason
        throw createDriverError({ ...failure, reason, outcome: 'not_sent' })
      }
    }
  }

  /** For connections made from now on. */
  setCredentials(credentials: DriverCredentials): void {
    const sasl = saslOptions({ ...this.#options.sasl, ...credentials })
    this.#connectionOptions = { ...this.#connectionOptions, ...sasl }
  }

  /** Asks for these topics. @throws LibraryError */
  async metadata(topics: readonly string[] | 'all', timeoutMs?: number): Promise<ReadonlyMap<string, TopicMetadata>> {
    const connection = await this.any(timeoutMs)
    const wanted = topics === 'all' ? null : topics
    // Topics without error are in the answer too, and partitions that do have a leader.
    const answer = (await connection.answer('Metadata', wanted, this.#options.createsTopics, false)) as MetadataResponse
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    this.#controllerId = answer.controllerId
    const found = new Map<string, TopicMetadata>()
    for (const { name, errorCode, topicId, partitions } of answer.topics) {
      const leaders = partitions.map(() => -1)
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      if (name !== null) found.set(name, { errorCode, leaders, topicId })
    }
    return found
  }

  /** The open connection to a broker, if there is one. */
  connectionTo(nodeId: number): BrokerConnection | undefined {
    const connection = this.#connections.get(nodeId)
    return connection?.isOpen ? connection : undefined
  }

  /** Opens a connection, once for all who ask. @throws LibraryError */
  open(nodeId: number): Promise<BrokerConnection> {
    const opening = this.#opening.get(nodeId) ?? this.#open(nodeId).finally(() => this.#opening.delete(nodeId))
    this.#opening.set(nodeId, opening)
    return opening
  }

  /** The open connection to a broker, or a new one. @throws LibraryError */
  async reach(nodeId: number): Promise<BrokerConnection> {
    if (!this.#brokers.has(nodeId)) await this.metadata([])
    return this.connectionTo(nodeId) ?? this.open(nodeId)
  }

  /** One more connection, for requests that keep others waiting; whoever asks for it closes it. @throws LibraryError */
  async openAnother(nodeId: number, requestTimeoutMs: number): Promise<BrokerConnection> {
    if (!this.#brokers.has(nodeId)) await this.metadata([])
    const options = { ...this.#connectionOptions, requestTimeout: requestTimeoutMs }
    return this.#connect(this.#addressOf(nodeId), options, () => undefined)
  }

  /** A new producer id, whose messages the broker counts from 0. @throws LibraryError */
  async identify(): Promise<ProducerIdentity> {
    const connection = await this.any()
    const { requestTimeoutMs } = this.#options.profile
    const answer = await connection.call('InitProducerId', null, requestTimeoutMs, -1n, -1)
    const { producerId, producerEpoch: epoch } = answer as { producerId: bigint; producerEpoch: number }
    return { producerId, epoch }
  }

  /** @throws MessagingError */
  async createTopic({ topic, partitions, replicationFactor, config }: TopicSpecification): Promise<void> {
    const configs = Object.entries(config).map(([name, value]) => ({ name, value }))
    const request = { name: topic, numPartitions: partitions, replicationFactor, assignments: [], configs }
    const deadline = performance.now() + this.#options.connectTimeoutMs
    for (;;) {
      try {
        await this.metadata([])
        const controller = await this.reach(this.#controllerId)
        await controller.call('CreateTopics', [request], this.#options.connectTimeoutMs, false)
        return
      } catch (error) {
        const failure = this.failureOf(error)
        if (failure.driverCode === topicAlreadyExists) return
        if (!mayPass.has(failure.code) || performance.now() >= deadline)
          throw createDriverError({ ...failure, outcome: 'not_sent' }, { topic })
        await delay(tryAgainMs)
      }
    }
  }

  failureOf(error: unknown): DriverFailure {
    if (error instanceof FailedRequest) return error.failure
    // Of several that were tried, the one that says no is worth more than those that say nothing.
    const errors = error instanceof AggregateError && !('code' in error) ? error.errors : [error]
    const failures = errors.map((each) => normalizeLibraryError(this.#library, each as LibraryError))
    return failures.find(({ code }) => code !== 'BROKERS_UNREACHABLE') ?? failures[0]!
  }

  failureOfNumber(number: number, detail?: string | null): DriverFailure {
    return normalizeProtocolError(this.#library, number, detail)
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the client is closed'))
    await Promise.allSettled(this.#opening.values())
    const open = [...this.#connections.values(), ...(this.#seed ? [this.#seed] : [])]
    await Promise.all(open.map((connection) => connection.close(closeWithinMs)))
  }

  /** A connection that is open, or can be. @throws LibraryError */
  async any(timeoutMs?: number): Promise<BrokerConnection> {
    for (const connection of [...this.#connections.values(), this.#seed]) if (connection?.isOpen) return connection
    const known = [...this.#brokers.keys()].toSorted(() => Math.random() - 0.5).slice(0, askedAtOnce)
    const opened = await Promise.any(known.map((nodeId) => this.open(nodeId))).catch(() => undefined)
    if (opened) return opened
    return this.#openSeed(timeoutMs)
  }

  async #openSeed(timeoutMs = this.#options.connectTimeoutMs): Promise<BrokerConnection> {
    const options = { ...this.#connectionOptions, connectTimeout: timeoutMs }
    const opening = this.#seeds.map((address) => this.#connect(address, options, () => undefined))
    const first = await Promise.any(opening)
    for (const other of opening) {
      other
        .then((connection) => (connection === first ? undefined : connection.close(closeWithinMs)))
        .catch(() => undefined)
    }
    this.#seed = first
    return first
  }

  async #open(nodeId: number): Promise<BrokerConnection> {
    const before = this.#connections.get(nodeId)
    if (before && (await before.becomesOpen())) return before
    const address = this.#addressOf(nodeId)
    const backoffMs = this.#backoffMs.get(nodeId) ?? 0
    if (backoffMs > 0) await delay(backoffMs, undefined, { signal: this.#closing.signal })
    let connection: BrokerConnection
    try {
      connection = await this.#connect(address, this.#connectionOptions, (closed) => {
        if (this.#connections.get(nodeId) === closed) this.#connections.delete(nodeId)
      })
    } catch (error) {
      this.#backoffMs.set(nodeId, Math.min(maxBackoffMs, backoffMs * 2 || tryAgainMs))
      if (!this.#closing.signal.aborted) this.#options.onFailure(this.failureOf(error))
      throw error
    }
    this.#backoffMs.delete(nodeId)
    this.#connections.set(nodeId, connection)
    if (this.#connectedBefore.has(nodeId)) this.#onReconnect(nodeId)
    this.#connectedBefore.add(nodeId)
    // The address to start from has served its purpose; it may be one that is there for this only.
    if (this.#seed) void this.#seed.close(closeWithinMs)
    this.#seed = undefined
    return connection
  }

  #addressOf(nodeId: number): BrokerAddress {
    const address = this.#brokers.get(nodeId)
    if (!address) throw new Error(`broker ${nodeId} is not known`)
    return address
  }

  async #connect(
    address: BrokerAddress,
    options: ConnectionOptions,
    onClose: (closed: BrokerConnection) => void,
  ): Promise<BrokerConnection> {
    const { signal } = this.#closing
    signal.throwIfAborted()
    return BrokerConnection.open(this.#library, this.#options.clientId, address, options, onClose, signal)
  }
}

function parseAddress(address: string): BrokerAddress {
  const separator = address.lastIndexOf(':')
  const host = address.slice(0, separator).replace(/^\[|\]$/g, '')
  return { host, port: Number(address.slice(separator + 1)) }
}
