import type { ErrorCode, Outcome } from '../errors/codes.ts'

/** The port: everything above it is the same for every driver. */
export interface Driver {
  readonly capabilities: DriverCapabilities
  /**
   * Takes a message and settles it exactly once, later or at once; never throws. Several messages may have the same settlement,
   * which is settled once for each.
   * Returns false when the driver’s own queue is full: then nothing was taken and nothing will be settled.
   * Messages of one partition are delivered in the order of the calls.
   */
  produce(message: DriverMessage, settlement: Settlement): boolean
  /** Hurries what lingers, for at most `timeoutMs`. When it is done, only the settlements tell. */
  flush(timeoutMs: number): Promise<void>
  /** Releases threads, sockets and memory. Called once; messages not settled by then never will be. */
  close(): Promise<void>
  /** Creates the topic unless it exists. Absent where a driver cannot. @throws MessagingError */
  ensureTopic?(topic: TopicSpecification): Promise<void>
  /** How many partitions a topic has. Absent where a driver cannot tell. @throws MessagingError */
  partitionCount?(topic: string): Promise<number>
  /** What connections made from now on log in with; nothing under way is disturbed. Absent where a driver has to be made anew. */
  setCredentials?(credentials: DriverCredentials): void
  /** There where `DriverOptions.transaction` was given and the driver has transactions. */
  readonly transactions?: DriverTransactions | undefined
}

/**
 * What is produced between `begin` and `commit` becomes visible together or not at all. Never two calls at a time, and none rejects:
 * each resolves with what failed. A retriable failure may be tried again, a fatal one ends the client; after any other the
 * transaction is to be aborted.
 */
export interface DriverTransactions {
  begin(): Promise<DriverFailure | undefined>
  /** Called when all messages are acknowledged. */
  commit(): Promise<DriverFailure | undefined>
  /** Drops what is still under way; it is settled by then, or soon after. */
  abort(): Promise<DriverFailure | undefined>
  /** Makes the progress of a consumer part of the transaction. */
  sendOffsets(offsets: readonly ConsumerOffset[], consumer: unknown): Promise<DriverFailure | undefined>
}

/** Where a consumer goes on: the offset of the next message that it has not processed. */
export interface ConsumerOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** A client with an identity that no second one may have: the newer fences the older (KIP-98). */
export interface TransactionIdentity {
  readonly id: string
  /** The broker aborts a transaction that takes longer. */
  readonly timeoutMs: number
}

export interface DriverCapabilities {
  /** `produce` copies the value before it returns, so the caller may reuse the bytes. */
  readonly copiesValue: boolean
  /** The broker drops what a retry would duplicate (KIP-98). */
  readonly idempotence: boolean
  /** Runs in worker threads. */
  readonly workerThreads: boolean
  /** A driver that survives the process and reaches a real cluster; false for a driver made for tests. */
  readonly durable: boolean
}

export interface DriverMessage {
  readonly topic: string
  /** null is a tombstone. */
  readonly value: Buffer | null
  readonly key: Buffer | null
  readonly headers: readonly DriverHeader[] | undefined
  /** -1 leaves the choice to the partitioner. */
  readonly partition: number
  /** Milliseconds since 1970; 0 means now. */
  readonly timestamp: number
}

/** Name and value; names may repeat, order is kept. */
export type DriverHeader = readonly [name: string, value: Buffer]

export interface Settlement {
  /** False where nobody waits for the outcome, and so nobody sends the next message after it. Default: true. */
  readonly isAwaited?: boolean
  /** `failure` is null for an acknowledgement; then partition, offset and timestamp (ms) are the broker’s, -1 where unknown. */
  settle(failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void
}

/** A failure in the SDK’s terms; the reason is the driver’s own words. */
export interface DriverFailure {
  readonly code: DriverFailureCode
  readonly reason: string
  readonly driverCode?: number | string | undefined
  readonly outcome?: Outcome | undefined
  readonly retriable?: boolean | undefined
  /** Nothing more can be sent with this client. */
  readonly fatal?: boolean | undefined
}

/** The codes whose message needs nothing but a reason. */
export type DriverFailureCode = Extract<
  ErrorCode,
  | 'DRIVER_FAILED'
  | 'BROKERS_UNREACHABLE'
  | 'AUTHENTICATION_FAILED'
  | 'AUTHORIZATION_DENIED'
  | 'TOPIC_NOT_FOUND'
  | 'TOPIC_INVALID'
  | 'PARTITION_NOT_FOUND'
  | 'MESSAGE_TOO_LARGE'
  | 'QUEUE_FULL'
  | 'DELIVERY_TIMED_OUT'
  | 'DELIVERY_UNCONFIRMED'
  | 'NOT_ENOUGH_REPLICAS'
  | 'BROKER_UNAVAILABLE'
  | 'BROKER_REJECTED'
  | 'PRODUCER_FENCED'
  | 'PRODUCER_FATAL'
  | 'TRANSACTION_INVALID'
  | 'GROUP_REJOIN_REQUIRED'
  | 'OFFSET_UNAVAILABLE'
  | 'REQUEST_TIMED_OUT'
  | 'CLOSE_TIMED_OUT'
>

export interface TopicSpecification {
  readonly topic: string
  readonly partitions: number
  /** -1 leaves it to the broker’s default. */
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

/** What a driver is made from: resolved configuration, secrets still wrapped. */
export interface DriverOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly tls: DriverTlsOptions
  readonly sasl: DriverSaslOptions
  readonly profile: ClientProfile
  /** `driverOptions.<driver>` as configured: passed through, last word. */
  readonly passThrough: Readonly<Record<string, PassThroughValue | SecretValue>>
  /** Trouble that belongs to no single message. */
  readonly onFailure: (failure: DriverFailure) => void
  /** For a client whose messages all belong to transactions. */
  readonly transaction?: TransactionIdentity | undefined
  /** Absent where nobody listens. A driver that knows none of it ignores it. */
  readonly statistics?: DriverStatisticsOptions | undefined
}

export interface DriverStatisticsOptions {
  readonly intervalMs: number
  readonly onStatistics: (brokers: readonly BrokerStatistics[]) => void
}

/** What a client saw of one broker since it last told. */
export interface BrokerStatistics {
  /** The id of the broker in its cluster. */
  readonly broker: number
  /** Average from a request until its answer; undefined if there was none. */
  readonly roundTripMs: number | undefined
  /** Messages in requests that wait to be written to its connection, now. */
  readonly outboundMessages: number
  readonly retries: number
  readonly reconnects: number
}

export type PassThroughValue = string | number | boolean

/** A secret is revealed where it is handed to the driver and nowhere else. */
export interface SecretValue {
  reveal(): string
}

/** PEM text, or the path of a PEM file. */
export interface DriverTlsOptions {
  readonly enabled: boolean
  readonly ca: string | undefined
  readonly certificate: string | undefined
  readonly key: SecretValue | undefined
  readonly keyPassword: SecretValue | undefined
  readonly verifyHostname: boolean
}

export interface DriverCredentials {
  readonly username: string | undefined
  readonly password: SecretValue | undefined
}

export interface DriverSaslOptions extends DriverCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined
}

/** What producers must have in common to share one client. */
export interface ClientProfile {
  readonly acks: 'all' | 0 | 1
  readonly idempotence: boolean
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly deliveryTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxMessageBytes: number
  readonly partitioner: 'murmur2' | 'crc32' | 'random'
  readonly queueMaxMessages: number
  readonly queueMaxBytes: number
  readonly queueTimeoutMs: number
}

/** What a driver package exports; `createDriver` connects. */
export interface DriverModule {
  readonly name: string
  /** Whether `brokers` must be set; a driver that brings its own cluster does without. */
  needsBrokers(passThrough: DriverOptions['passThrough']): boolean
  /** @throws MessagingError */
  createDriver(options: DriverOptions): Promise<Driver>
}
