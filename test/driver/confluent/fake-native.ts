import type { Settlement } from '../../../src/driver/driver.ts'
import type {
  DeliveryCallback,
  NativeConfig,
  NativeError,
  NativeModule,
  NativeProducer,
} from '../../../src/driver/confluent/native-module.ts'

/** A producer that connects at once, or when it is told to, and acknowledges when it is told to. */
export class FakeNativeProducer implements NativeProducer {
  readonly config: NativeConfig
  /** Produced and not acknowledged yet. */
  readonly underWay: { readonly value: string; readonly opaque: Settlement }[] = []
  /** Acknowledges without an offset, as what a broker dropped as a duplicate. */
  hasNoOffsets = false
  /** Where the message with that offset went. */
  partitionOf = (_offset: number): number => 0
  isClosed = false
  /** For one that does not connect at once. */
  finishConnecting: () => void = () => undefined
  readonly #connectsAtOnce: boolean
  #callback: DeliveryCallback | undefined
  #offset = 0

  constructor(config: NativeConfig, connectsAtOnce = true) {
    this.config = config
    this.#connectsAtOnce = connectsAtOnce
  }

  /** Acknowledges the oldest, in one turn of the event loop. */
  acknowledge(count = this.underWay.length): void {
    for (const { opaque } of this.underWay.splice(0, count)) {
      const offset = this.hasNoOffsets ? -1 : this.#offset++
      this.#callback!(null, { opaque, topic: 'orders', partition: this.partitionOf(offset), offset, timestamp: 1 })
    }
  }

  connect(_: { timeout: number }, callback: (error: NativeError | null) => void): void {
    if (this.#connectsAtOnce) callback(null)
    else this.finishConnecting = () => callback(null)
  }
  disconnect(_: number, callback: () => void): void {
    this.isClosed = true
    callback()
  }
  /** How often it was flushed. */
  flushes = 0
  flush(_: number, callback: (error: null) => void): void {
    this.flushes++
    callback(null)
  }
  /** How often it was asked about the cluster as a whole. */
  questions = 0
  getMetadata(...[{ topic }, callback]: Parameters<NativeProducer['getMetadata']>): void {
    if (topic === undefined) this.questions++
    const partitions = topic === 'absent' ? [] : [{ id: 0 }, { id: 1 }]
    callback(null, { brokers: [], topics: [{ name: topic ?? 'orders', partitions }] })
  }
  credentials: string[] = []
  setSaslCredentials(...credentials: string[]): void {
    this.credentials = credentials
  }
  initTransactions = (_timeoutMs: number, done: (error: null) => void): void => done(null)
  beginTransaction = (done: (error: null) => void): void => done(null)
  commitTransaction = (_timeoutMs: number, done: (error: null) => void): void => done(null)
  abortTransaction = (_timeoutMs: number, done: (error: null) => void): void => done(null)
  sendOffsetsToTransaction = (...args: [unknown, unknown, number, (error: null) => void]): void => args[3](null)

  queryWatermarkOffsets(..._: Parameters<NativeProducer['queryWatermarkOffsets']>): void {
    // Not asked for here.
  }
  isConnected(): boolean {
    return true
  }
  poll(): void {
    // Nothing waits.
  }
  setPollInBackground(): void {
    // Reports come by acknowledge().
  }
  on(_event: string, _listener: (value: never) => void): void {
    // Nothing ever goes wrong in the background.
  }
  getClient(): ReturnType<NativeProducer['getClient']> {
    return {
      produce: (_topic, _partition, value, _key, _timestamp, opaque) => {
        this.underWay.push({ value: String(value), opaque })
        return 0
      },
      configureCallbacks: (_, { event }) => {
        this.#callback = event.delivery_cb
      },
    }
  }
}

/** A native module and the producers that were made of it, oldest first; so many of them connect at once. */
export function createFakeNative(connectingAtOnce = Infinity): {
  native: NativeModule
  producers: FakeNativeProducer[]
} {
  const producers: FakeNativeProducer[] = []
  class Producer extends FakeNativeProducer {
    constructor(config: NativeConfig) {
      super(config, producers.length < connectingAtOnce)
      producers.push(this)
    }
  }
  const KafkaConsumer = function KafkaConsumer(): never {
    throw new Error('not part of this fake')
  }
  return {
    native: {
      librdkafkaVersion: 'fake',
      CODES: { ERRORS: {} },
      Producer,
      KafkaConsumer: KafkaConsumer as unknown as NativeModule['KafkaConsumer'],
      AdminClient: { createFrom: () => ({ createTopic: (_, __, callback) => callback(null) }) },
    },
    producers,
  }
}
