import { isMainThread } from 'node:worker_threads'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ConsumerOffset, Settlement } from '../driver.ts'
import { loadPackage } from '../load-package.ts'

/** The parts of @confluentinc/kafka-javascript that the driver uses, described here so that its types are no dependency of ours. */
export interface NativeModule {
  readonly librdkafkaVersion: string
  readonly CODES: { readonly ERRORS: Readonly<Record<string, number>> }
  readonly Producer: new (config: NativeConfig) => NativeProducer
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

export interface NativeProducer {
  connect(
    options: { timeout: number },
    callback: (error: NativeError | null | undefined, metadata?: NativeMetadata) => void,
  ): void
  disconnect(timeoutMs: number, callback: () => void): void
  flush(timeoutMs: number, callback: (error: NativeError | null | undefined) => void): void
  getMetadata(
    request: { topic: string; timeout: number },
    callback: (error: NativeError | null | undefined, metadata?: NativeMetadata) => void,
  ): void
  queryWatermarkOffsets(topic: string, partition: number, timeoutMs: number, callback: NativeCallback): void
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
  getMetadata(
    options: { topic: string; timeout: number },
    callback: (error: NativeError | null | undefined, metadata?: NativeMetadata) => void,
  ): void
  setSaslCredentials(username: string, password: string): void
  isConnected(): boolean
  poll(): void
  setPollInBackground(enabled: boolean): void
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'event.stats', listener: (statistics: { readonly message: string }) => void): void
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

export interface DeliveryReport {
  /** What was given to `produce`. */
  readonly opaque?: Settlement
  readonly partition: number
  readonly offset: number
  readonly timestamp?: number
}

export type DeliveryCallback = (errorNumber: number | null, report: DeliveryReport) => void

export interface NativeAdmin {
  createTopic(
    topic: { topic: string; num_partitions: number; replication_factor: number; config: Record<string, string> },
    timeoutMs: number,
    callback: (error: NativeError | null | undefined) => void,
  ): void
  disconnect(): void
}

const driver = 'confluent'
const packageName = '@confluentinc/kafka-javascript'

/**
 * Loads the native library: nothing of it is in the process before.
 * @throws DRIVER_IN_WORKER_THREAD, DRIVER_NOT_INSTALLED, DRIVER_LOAD_FAILED
 */
export async function loadNativeModule(): Promise<NativeModule> {
  // Once the main thread has loaded the addon, a worker fails with "Module did not self-register", or worse.
  if (!isMainThread) throw new MessagingError('DRIVER_IN_WORKER_THREAD', { driver })
  const importIt = (): Promise<{ default: NativeModule }> => import(packageName)
  return (await loadPackage(driver, packageName, importIt)).default
}
