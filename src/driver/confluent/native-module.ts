import { isMainThread } from 'node:worker_threads'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ConsumerOffset, Settlement } from '../driver.ts'
import { loadPackage } from '../load-package.ts'

/** The parts of @confluentinc/kafka-javascript that the driver uses, described here so that its types are no dependency of ours. */
export interface NativeModule {
  readonly librdkafkaVersion: string
  readonly CODES: { readonly ERRORS: Readonly<Record<string, number>> }
  readonly Producer: new (config: NativeConfig) => NativeProducer
  readonly KafkaConsumer: new (config: NativeConsumerConfig) => NativeConsumer
  readonly AdminClient: { createFrom(producer: NativeProducer): NativeAdmin }
}

export type NativeConfig = Readonly<Record<string, string | number | boolean>>

export interface NativeError {
  readonly code: number
  readonly message: string
  /** These are set by calls of transactions only. */
  readonly isFatal?: boolean
  readonly isRetriable?: boolean
}

type NativeCallback = (error: NativeError | null | undefined) => void

/** What producers and consumers have in common. */
export interface NativeConnection {
  connect(
    options: { timeout: number },
    callback: (error: NativeError | null | undefined, metadata?: NativeMetadata) => void,
  ): void
  isConnected(): boolean
  setSaslCredentials(username: string, password: string): void
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'event.stats', listener: (statistics: { readonly message: string }) => void): void
}

export interface NativeProducer extends NativeConnection {
  disconnect(timeoutMs: number, callback: () => void): void
  flush(timeoutMs: number, callback: (error: NativeError | null | undefined) => void): void
  getMetadata(request: { topic?: string; timeout: number }, callback: NativeResult<NativeMetadata>): void
  queryWatermarkOffsets(topic: string, partition: number, timeoutMs: number, callback: NativeResult<unknown>): void
  initTransactions(timeoutMs: number, callback: NativeCallback): void
  beginTransaction(callback: NativeCallback): void
  commitTransaction(timeoutMs: number, callback: NativeCallback): void
  abortTransaction(timeoutMs: number, callback: NativeCallback): void
  /** `consumer` is a connected KafkaConsumer of the same package. */
  sendOffsetsToTransaction(
    offsets: readonly ConsumerOffset[],
    consumer: unknown,
    timeoutMs: number,
    callback: NativeCallback,
  ): void
  poll(): void
  setPollInBackground(enabled: boolean): void
  getClient(): NativeClient
}

export interface NativeMetadata {
  readonly brokers: readonly { readonly host: string; readonly port: number }[]
  readonly topics: readonly { readonly name: string; readonly partitions: readonly { readonly id: number }[] }[]
}

export interface NativeClient {
  /** Returns an error number instead of throwing; 0 is success. */
  produce(
    topic: string,
    partition: number | null,
    value: Buffer | null,
    key: Buffer | null,
    timestamp: number | null,
    opaque: Settlement,
    headers: readonly Readonly<Record<string, Buffer | string>>[] | undefined,
  ): number
  configureCallbacks(add: boolean, callbacks: { event: { delivery_cb: DeliveryCallback } }): void
}

export interface NativePartition {
  readonly topic: string
  readonly partition: number
}

/** An offset, or one of librdkafka’s logical ones: -1 the end, -2 the beginning, -1001 none. */
export interface NativePosition extends NativePartition {
  readonly offset?: number
  readonly metadata?: string
}

export type NativeConsumerConfig = Readonly<Record<string, NativeConfig[string] | ((...args: never[]) => void)>>

/** The wrapper finds them among the settings. */
export interface NativeConsumerCallbacks {
  readonly rebalance_cb: (event: NativeError | undefined, partitions: readonly NativePartition[]) => void
  readonly offset_commit_cb: (error: NativeError | undefined, positions: readonly NativePosition[]) => void
  /** Not documented, and what Confluent’s own KafkaJS-compatible API is made on. */
  readonly queue_non_empty_cb: () => void
}

export interface NativeConsumer extends NativeConnection {
  disconnect(callback: () => void): void
  /** These throw with a text alone, or with a NativeError. */
  subscribe(topics: readonly string[]): void
  unsubscribe(): void
  assign(positions: readonly NativePosition[]): void
  unassign(): void
  incrementalAssign(positions: readonly NativePosition[]): void
  incrementalUnassign(partitions: readonly NativePartition[]): void
  assignmentLost(): boolean
  rebalanceProtocol(): 'NONE' | 'COOPERATIVE' | 'EAGER'
  pause(partitions: readonly NativePartition[]): void
  resume(partitions: readonly NativePartition[]): void
  /** Hands over only: the result comes by `offset_commit_cb`. */
  commit(positions: readonly NativePosition[]): void
  /** These four hold a thread of libuv until they are done. */
  seek(position: NativePosition, timeoutMs: number, callback: NativeCallback): void
  committed(partitions: readonly NativePartition[], timeoutMs: number, callback: NativeResult<NativePositions>): void
  offsetsForTimes(times: readonly NativePosition[], timeoutMs: number, callback: NativeResult<NativePositions>): void
  queryWatermarkOffsets(
    topic: string,
    partition: number,
    timeoutMs: number,
    callback: NativeResult<{ readonly lowOffset: number; readonly highOffset: number }>,
  ): void
  getMetadata(
    request: { readonly timeout: number } & ({ readonly allTopics: true } | { readonly topic: string }),
    callback: NativeResult<Pick<NativeMetadata, 'topics'>>,
  ): void
  getClient(): NativeReader
}

/** An element that failed is an Error. */
export type NativePositions = readonly (NativePosition | Error)[]
type NativeResult<Value> = (error: NativeError | null | undefined, value: Value) => void

/** The binding itself: the wrapper’s own `consume` emits an event for each message. */
export interface NativeReader {
  consume(
    timeoutMs: number,
    maxMessages: number,
    onlyFirstWaits: boolean,
    callback: (error: NativeError | null, messages: NativeMessage[]) => void,
  ): void
}

export interface NativeMessage extends NativePartition {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** An object for each header, with its name as the only property. */
  readonly headers?: Readonly<Record<string, Buffer>>[]
}

export interface DeliveryReport {
  /** What was given to `produce`. */
  readonly opaque?: Settlement
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp?: number
}

export type DeliveryCallback = (errorNumber: number | null, report: DeliveryReport) => void

export interface NativeAdmin {
  createTopic(
    topic: { topic: string; num_partitions: number; replication_factor: number; config: Record<string, string> },
    timeoutMs: number,
    callback: NativeCallback,
  ): void
}

const driver = 'confluent'
const packageName = '@confluentinc/kafka-javascript'
/** The rest of the package is an API like that of KafkaJS: not used here, and a quarter of the time that loading all of it takes. */
const callbackApi = '@confluentinc/kafka-javascript/lib/rdkafka.js'
/** Its place is not documented, so another version may have it elsewhere. */
const notThere = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])

/**
 * Loads the native library: nothing of it is in the process before.
 * @throws DRIVER_IN_WORKER_THREAD, DRIVER_NOT_INSTALLED, DRIVER_LOAD_FAILED
 */
export async function loadNativeModule(): Promise<NativeModule> {
  // Once the main thread has loaded the addon, a worker fails with "Module did not self-register", or worse.
  if (!isMainThread) throw new MessagingError('DRIVER_IN_WORKER_THREAD', { driver })
  const importIt = (): Promise<{ default: NativeModule }> =>
    import(callbackApi).catch((error: NodeJS.ErrnoException) => {
      if (!notThere.has(error.code ?? '')) throw error
      return import(packageName)
    })
  return (await loadPackage(driver, packageName, importIt)).default
}
