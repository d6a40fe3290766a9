import type { Codec } from '../encoding/codec.ts'
import { describeType } from '../encoding/codec.ts'
import type { Client } from '../driver/client.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import type { MessageMeter } from '../instrumentation/message-meter.ts'
import type { SentMessage } from '../instrumentation/message-trace.ts'
import type { PayloadLog } from '../instrumentation/payload-log.ts'
import type { TraceSwitch } from '../instrumentation/tracing.ts'
import { BatchResult } from './batch-result.ts'
import { BatchDelivery, DispatchDelivery, SendDelivery, type MessageDelivery } from './deliveries.ts'
import type { DeliveryReport } from './delivery-report.ts'
import { encodeHeaders, encodeKey, headerBytes } from './message-parts.ts'
import type { MessageHeaders, MessageKey, ProducerManifest } from './producer-manifest.ts'
import { ProducerLedger } from './producer-ledger.ts'
import {
  checkSendOptions,
  encodePartition,
  encodeTimestamp,
  invalidOption,
  knownForMany,
  type SendManyOptions,
  type SendOptions,
} from './send-options.ts'

export interface ProducerParts<Payload> {
  readonly name: string
  readonly manifest: ProducerManifest<Payload>
  readonly topic: string
  readonly codec: Codec<Payload>
  /** Writes the key where it has a schema. Default: keys are text or bytes. */
  readonly keyCodec?: Codec | undefined
  readonly client: Client
  readonly driverName: string
  /** The messaging instance it belongs to, named in events. */
  readonly instance: string
  readonly maxMessageBytes: number
  /** Whether its messages are traced; may change at any time. Default: never. */
  readonly tracing?: TraceSwitch | undefined
  /** Counts its messages. Default: nobody does. */
  readonly meter?: MessageMeter | undefined
  /** Shows keys and payloads to a logger. Default: never. */
  readonly payloadLog?: PayloadLog | undefined
}

const noOptions: SendOptions = Object.freeze({})
/** A long sendMany lets acknowledgements and other work in after this many messages, a few milliseconds of encoding. */
const messagesPerTurn = 1000
const messagesPerEncodeTime = 16

/** The live producer of one manifest: encodes, hands over to the client and reports. */
export class Producer<Payload = unknown> {
  readonly name: string
  readonly topic: string
  readonly codec: Codec<Payload>
  readonly ledger: ProducerLedger
  readonly driverName: string
  readonly #keyCodec: Codec | undefined
  readonly #manifest: ProducerManifest<Payload>
  readonly #client: Client
  readonly #maxMessageBytes: number
  readonly #tracing: TraceSwitch
  readonly #single: SentMessage
  readonly #payloadLog: PayloadLog | undefined
  readonly #batches = new Set<Promise<unknown>>()
  #encoded = 0

  constructor(parts: ProducerParts<Payload>) {
    this.name = parts.name
    this.topic = parts.topic
    this.codec = parts.codec
    this.ledger = new ProducerLedger(parts.name, parts.topic, parts.instance, parts.meter)
    this.driverName = parts.driverName
    this.#keyCodec = parts.keyCodec
    this.#manifest = parts.manifest
    this.#client = parts.client
    this.#maxMessageBytes = parts.maxMessageBytes
    this.#payloadLog = parts.payloadLog
    this.#tracing = parts.tracing ?? { begin: undefined }
    this.#single = { manifest: parts.name, topic: parts.topic, isTombstone: false, count: undefined }
  }

  /** @throws (rejects) PAYLOAD_INVALID, KEY_INVALID, HEADER_INVALID, SEND_OPTION_INVALID, MANIFEST_HOOK_FAILED, MESSAGE_TOO_LARGE, QUEUE_FULL, SEND_ABORTED, SEND_ABANDONED and every failure of delivery */
  send(payload: Payload, options: SendOptions = noOptions): Promise<DeliveryReport> {
    return new Promise((resolve, reject) => {
      const delivery = new SendDelivery(this.ledger, signalOf(options), resolve, reject)
      delivery.trace = this.#tracing.begin?.(this.#single)
      this.#start(delivery, payload, options, false)
    })
  }

  /** A message with a key and no value, which deletes the key in a compacted topic. @throws (rejects) KEY_INVALID and as `send` */
  tombstone(key: MessageKey, options: SendOptions = noOptions): Promise<DeliveryReport> {
    return new Promise((resolve, reject) => {
      const delivery = new SendDelivery(this.ledger, signalOf(options), resolve, reject)
      delivery.trace = this.#tracing.begin?.({ ...this.#single, isTombstone: true })
      if (key === undefined || key === null) {
        const actual = `${describeType(key)} (a tombstone needs one)`
        delivery.fail(new MessagingError('KEY_INVALID', { manifest: this.name, actual }, { manifest: this.name }))
        return
      }
      this.#start(delivery, null, { ...options, key }, true)
    })
  }

  /** Sends without a caller: a failure becomes the event `message.failed`. Never throws. */
  dispatch(payload: Payload, options: SendOptions = noOptions): void {
    const delivery = new DispatchDelivery(this.ledger, undefined)
    delivery.trace = this.#tracing.begin?.(this.#single)
    this.#start(delivery, payload, options, false)
  }

  /**
   * Sends all, in order; resolves with their reports by index. The list must not change until then.
   * @throws (rejects) BATCH_FAILED when some fail; the others were sent
   */
  async sendMany(
    payloads: readonly Payload[],
    options: SendManyOptions = noOptions,
  ): Promise<readonly DeliveryReport[]> {
    if (!Array.isArray(payloads)) throw invalidOption(this.name, 'payloads', 'an array', describeType(payloads))
    checkSendOptions(options, this.name, knownForMany)
    if (payloads.length === 0) return []
    const batch = new BatchResult(this.name, this.topic, payloads.length)
    const pumped = this.#pump(batch, payloads, options)
    this.#batches.add(pumped)
    void pumped.finally(() => this.#batches.delete(pumped))
    return batch.promise
  }

  uses(client: Client): boolean {
    return this.#client === client
  }

  get isHandingOver(): boolean {
    return this.#batches.size > 0
  }

  /** Resolves when every sendMany that was accepted is in the hands of the client. */
  async handedOver(): Promise<void> {
    await Promise.all(this.#batches)
  }

  async #pump(batch: BatchResult, payloads: readonly Payload[], options: SendManyOptions): Promise<void> {
    const { signal } = options
    const { promise: aborted, resolve: abort } = Promise.withResolvers<boolean>()
    const onAbort = (): void => abort(true)
    signal?.addEventListener('abort', onAbort, { once: true })
    let hasRoom = true
    const trace = this.#tracing.begin?.({ ...this.#single, count: payloads.length })
    for (let index = 0; index < payloads.length; index++) {
      if (index > 0 && index % messagesPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
      // A batch holds back instead of filling the line for room, which others wait in too. An abort ends the wait.
      if (hasRoom && !signal?.aborted) {
        const room = this.#client.room()
        if (room !== true) hasRoom = await Promise.race([room, aborted])
      }
      const delivery = new BatchDelivery(this.ledger, signal, batch, index)
      delivery.trace = trace
      // Once in vain is enough: each of the rest would wait as long, and what came after a gap would be out of order.
      if (hasRoom) this.#start(delivery, payloads[index]!, options, false)
      else delivery.settle({ code: 'QUEUE_FULL', reason: 'no room came within queueTimeoutMs' }, -1, -1, -1)
    }
    signal?.removeEventListener('abort', onAbort)
  }

  #start(delivery: MessageDelivery, payload: Payload | null, options: SendOptions, isTombstone: boolean): void {
    try {
      this.#encodeAndProduce(delivery, payload, options, isTombstone)
    } catch (error) {
      delivery.fail(isMessagingError(error) ? error : this.#hookFailure('codec.encode', error))
    }
  }

  #encodeAndProduce(
    delivery: MessageDelivery,
    given: Payload | null,
    options: SendOptions,
    isTombstone: boolean,
  ): void {
    const { name, topic } = this
    if (options !== noOptions) checkSendOptions(options, name)
    if (delivery.abortIfSignalled()) return

    let key: Buffer | null
    let partition: number
    let timestamp: number
    let headers: MessageHeaders | undefined
    let value: Buffer | null = null
    let encodeMs: number | undefined
    if (isTombstone) {
      key = this.#encodeKey(options.key)
      partition = encodePartition(options.partition, name)
      timestamp = encodeTimestamp(options.timestamp, name)
    } else {
      if (given === null || given === undefined) {
        const expected = 'a payload (to delete a key use registry.tombstone())'
        throw new MessagingError(
          'PAYLOAD_INVALID',
          { manifest: name, path: '$', expected, actual: String(given) },
          { manifest: name },
        )
      }
      const manifest = this.#manifest
      let hook = 'prepare'
      let rawKey: MessageKey
      let rawPartition: number | undefined
      let rawTimestamp: number | Date | undefined
      let payload: Payload
      try {
        payload = manifest.prepare(given)
        if (payload instanceof Promise)
          throw this.#hookFailure(hook, undefined, ': it returns a promise, and is not awaited')
        hook = 'key'
        rawKey = options.key === undefined ? manifest.key(payload) : options.key
        key = this.#encodeKey(rawKey)
        hook = 'partition'
        rawPartition = options.partition ?? manifest.partition(payload, key)
        hook = 'timestamp'
        rawTimestamp = options.timestamp ?? manifest.timestamp(payload)
        hook = 'headers'
        headers = manifest.headers(payload)
      } catch (error) {
        throw isMessagingError(error) ? error : this.#hookFailure(hook, error)
      }
      partition = encodePartition(rawPartition, name)
      timestamp = encodeTimestamp(rawTimestamp, name)
      const startedAt = this.#measuresEncoding() ? performance.now() : 0
      value = this.codec.encode(payload)
      if (startedAt !== 0) encodeMs = performance.now() - startedAt
      // Codecs share one buffer; a driver that keeps the bytes must get its own.
      if (!this.#client.capabilities.copiesValue) value = Buffer.from(value)
    }

    let encodedHeaders = encodeHeaders(name, headers, options.headers)
    let bytes = (key?.length ?? 0) + (value?.length ?? 0)
    if (encodedHeaders !== undefined) bytes += headerBytes(encodedHeaders)
    if (bytes > this.#maxMessageBytes) {
      const reason = `${bytes} bytes of key, value and headers are over maxMessageBytes (${this.#maxMessageBytes})`
      throw new MessagingError('MESSAGE_TOO_LARGE', { reason }, { manifest: name, topic })
    }
    if (delivery.trace !== undefined) {
      const traced = delivery.trace.headers(encodedHeaders)
      const tracedBytes = bytes + headerBytes(traced ?? []) - headerBytes(encodedHeaders ?? [])
      // To be traced is no reason to fail: a message that has no room for it goes without.
      if (tracedBytes <= this.#maxMessageBytes) [encodedHeaders, bytes] = [traced, tracedBytes]
    }
    delivery.start()
    this.#client.produce({ topic, value, key, headers: encodedHeaders, partition, timestamp }, delivery, bytes)
    this.#payloadLog?.(name, topic, key, given)
    // Only now: a listener that sends a message itself overwrites the buffer that the codecs share.
    if (encodeMs !== undefined) this.ledger.recordEncoded(value?.length ?? 0, encodeMs)
  }

  #encodeKey(key: MessageKey): Buffer | null {
    if (this.#keyCodec === undefined) return encodeKey(key, this.name)
    if (key === undefined || key === null) return null
    try {
      // A copy, since the value is encoded into the same buffer next.
      return Buffer.from(this.#keyCodec.encode(key))
    } catch (error) {
      throw isMessagingError(error) ? error.of(this.name) : error
    }
  }

  /** A small payload is encoded in less time than it takes to read the clock twice: some stand for all. */
  #measuresEncoding(): boolean {
    return this.ledger.measuresEncoding && this.#encoded++ % messagesPerEncodeTime === 0
  }

  #hookFailure(hook: string, error: unknown, reason = ''): MessagingError {
    const context = { manifest: this.name, topic: this.topic, cause: error }
    return new MessagingError('MANIFEST_HOOK_FAILED', { manifest: this.name, hook, reason }, context)
  }
}

/** Of options that are not checked yet. */
function signalOf(options: SendOptions | null): AbortSignal | undefined {
  return options?.signal instanceof AbortSignal ? options.signal : undefined
}
