import type { Codec } from '../encoding/codec.ts'
import { describeType } from '../encoding/codec.ts'
import type { Client } from '../driver/client.ts'
import type { DriverMessage } from '../driver/driver.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import type { MessageMeter } from '../instrumentation/message-meter.ts'
import type { SentMessage } from '../instrumentation/message-trace.ts'
import type { PayloadLog } from '../instrumentation/payload-log.ts'
import type { TraceSwitch } from '../instrumentation/tracing.ts'
import { BatchResult } from './batch-result.ts'
import { BatchDelivery, DispatchDelivery, SendDelivery, type MessageDelivery } from './deliveries.ts'
import type { DeliveryReport } from './delivery-report.ts'
import { messageBytes, MessageEncoder, type MessageEncoderParts } from './message-encoder.ts'
import type { MessageKey } from './producer-manifest.ts'
import { ProducerLedger } from './producer-ledger.ts'
import {
  checkSendOptions,
  invalidOption,
  knownForMany,
  type SendManyOptions,
  type SendOptions,
} from './send-options.ts'

export interface ProducerParts<Payload> extends MessageEncoderParts<Payload> {
  readonly client: Client
  readonly driverName: string
  /** The messaging instance it belongs to, named in events. */
  readonly instance: string
  readonly maxMessageBytes: number
  /** Whether messages are traced; may change at any time. Default: never. */
  readonly tracing?: TraceSwitch | undefined
  /** Counts its messages. Default: nobody does. */
  readonly meter?: MessageMeter | undefined
  /** Shows keys and payloads to a logger. Default: never. */
  readonly payloadLog?: PayloadLog | undefined
}

const noOptions: SendOptions = Object.freeze({})
const untraced: TraceSwitch = { begin: undefined }
/** A long sendMany lets acknowledgements and other work in after this many messages, a few milliseconds of encoding. */
const messagesPerTurn = 1000

/** The live producer of one manifest: encodes, hands over to the client and reports. */
export class Producer<Payload = unknown> {
  // What every message needs comes first: fields lie in this order.
  readonly ledger: ProducerLedger
  readonly #tracing: TraceSwitch
  readonly #encoder: MessageEncoder<Payload>
  readonly #maxMessageBytes: number
  readonly #client: Client
  readonly #payloadLog: PayloadLog | undefined
  readonly name: string
  readonly topic: string
  readonly codec: Codec<Payload>
  readonly driverName: string
  readonly #single: SentMessage
  /** Of the last dispatch. */
  #dispatched: DispatchDelivery | undefined
  readonly #batches = new Set<Promise<unknown>>()

  constructor(parts: ProducerParts<Payload>) {
    this.name = parts.name
    this.topic = parts.topic
    this.codec = parts.codec
    this.ledger = new ProducerLedger(parts.name, parts.topic, parts.instance, parts.meter)
    this.driverName = parts.driverName
    this.#encoder = new MessageEncoder(parts, parts.client.capabilities.copiesValue)
    this.#client = parts.client
    this.#maxMessageBytes = parts.maxMessageBytes
    this.#payloadLog = parts.payloadLog
    this.#tracing = parts.tracing ?? untraced
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
    const trace = this.#tracing.begin?.(this.#single)
    const isAlone = trace !== undefined || this.ledger.tellsOfEach
    let delivery = isAlone ? undefined : this.#dispatched
    if (delivery === undefined) {
      delivery = new DispatchDelivery(this.ledger, undefined)
      delivery.trace = trace
      if (!isAlone) this.#dispatched = delivery
    } else {
      this.ledger.started++
    }
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
      delivery.fail(isMessagingError(error) ? error : this.#encoder.hookFailure('codec.encode', error))
    }
  }

  #encodeAndProduce(
    delivery: MessageDelivery,
    payload: Payload | null,
    options: SendOptions,
    isTombstone: boolean,
  ): void {
    if (options !== noOptions) checkSendOptions(options, this.name)
    if (delivery.abortIfSignalled()) return

    let message = this.#encoder.encode(payload, options, isTombstone, this.ledger.measuresEncoding)
    const encodeMs = this.#encoder.lastEncodeMs
    let bytes = messageBytes(message)
    if (bytes > this.#maxMessageBytes) {
      const reason = `${bytes} bytes of key, value and headers are over maxMessageBytes (${this.#maxMessageBytes})`
      throw new MessagingError('MESSAGE_TOO_LARGE', { reason }, { manifest: this.name, topic: this.topic })
    }
    if (delivery.trace !== undefined) {
      const traced = { ...message, headers: delivery.trace.headers(message.headers) }
      const tracedBytes = messageBytes(traced)
      // To be traced is no reason to fail: a message that has no room for it goes without.
      if (tracedBytes <= this.#maxMessageBytes) [message, bytes] = [traced, tracedBytes]
    }
    this.#handOver(message, delivery, bytes)
    this.#payloadLog?.(this.name, this.topic, message.key, payload)
    // Only now: a listener that sends a message itself overwrites the buffer that the codecs share.
    if (encodeMs !== undefined) this.ledger.recordEncoded(message.value?.length ?? 0, encodeMs)
  }

  #handOver(message: DriverMessage, delivery: MessageDelivery, bytes: number): void {
    let own = delivery
    if (delivery.state !== 'new' && delivery instanceof DispatchDelivery) {
      if (delivery.canShare(bytes) && this.#client.share(message, delivery, bytes)) return
      // It was counted when it was begun.
      this.ledger.started--
      own = this.#dispatched = new DispatchDelivery(this.ledger, undefined)
    }
    own.start()
    this.#client.produce(message, own, bytes)
  }
}

/** Of options that are not checked yet. */
function signalOf(options: SendOptions | null): AbortSignal | undefined {
  const signal = options?.signal
  // To find AbortSignal costs as much as the rest of a send that has no signal.
  return signal !== undefined && signal instanceof AbortSignal ? signal : undefined
}
