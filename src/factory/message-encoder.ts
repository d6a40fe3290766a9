import type { DriverHeader, DriverMessage } from '../driver/driver.ts'
import type { Codec } from '../encoding/codec.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { encodeHeaders, encodeKey, headerBytes } from './message-parts.ts'
import { runMiddleware, type MiddlewareChain } from './middleware.ts'
import { ProducerManifest, type MessageHeaders, type MessageKey } from './producer-manifest.ts'
import { encodePartition, encodeTimestamp, type SendOptions } from './send-options.ts'

export interface MessageEncoderParts<Payload> {
  readonly name: string
  readonly manifest: ProducerManifest<Payload>
  readonly topic: string
  readonly codec: Codec<Payload>
  /** Writes the key where it has a schema. Default: keys are text or bytes. */
  readonly keyCodec?: Codec | undefined
  /** For the method `partition`. Default: not known. */
  readonly partitions?: { readonly current: number | undefined } | undefined
  /** Default: none. */
  readonly middleware?: MiddlewareChain | undefined
  /** The header that identifies a message, and what makes its value. Default: no such header. */
  readonly messageId?: { readonly header: string; readonly create: () => Buffer } | undefined
}

type HookName = 'prepare' | 'key' | 'partition' | 'timestamp' | 'headers'
type Hook<Payload, Name extends HookName> = ProducerManifest<Payload>[Name] | undefined

const noMiddleware: MiddlewareChain = { runs: [], list: { isEmpty: true } }
const messagesPerTime = 16

/** What one call gives -> middleware -> methods of the manifest -> bytes, in one synchronous step. */
export class MessageEncoder<Payload = unknown> {
  // What every message needs comes first: fields lie in this order.
  readonly #name: string
  readonly #topic: string
  readonly #middlewareList: MiddlewareChain['list']
  readonly #manifest: ProducerManifest<Payload>
  readonly #prepare: Hook<Payload, 'prepare'>
  readonly #key: Hook<Payload, 'key'>
  readonly #partition: Hook<Payload, 'partition'>
  readonly #timestamp: Hook<Payload, 'timestamp'>
  readonly #headers: Hook<Payload, 'headers'>
  readonly #codec: Codec<Payload>
  readonly #keyCodec: Codec | undefined
  readonly #messageId: MessageEncoderParts<Payload>['messageId']
  readonly #copiesValue: boolean
  /** How long the codec took for the last message, in ms; undefined where it was not measured. */
  lastEncodeMs: number | undefined
  readonly #middleware: MiddlewareChain
  readonly #partitions: MessageEncoderParts<Payload>['partitions']
  #encoded = 0

  /** @param copiesValue whether the driver copies the value before `produce` returns */
  constructor(parts: MessageEncoderParts<Payload>, copiesValue: boolean) {
    const { manifest, codec } = parts
    this.#name = parts.name
    this.#topic = parts.topic
    this.#middleware = parts.middleware ?? noMiddleware
    this.#middlewareList = this.#middleware.list
    this.#manifest = manifest
    this.#prepare = ownHook(manifest, 'prepare')
    this.#key = ownHook(manifest, 'key')
    this.#partition = ownHook(manifest, 'partition')
    this.#timestamp = ownHook(manifest, 'timestamp')
    this.#headers = ownHook(manifest, 'headers')
    this.#codec = codec
    this.#keyCodec = parts.keyCodec
    this.#partitions = parts.partitions
    this.#messageId = parts.messageId
    this.#copiesValue = copiesValue
  }

  /**
   * Where the driver copies it, the value lies in the buffer that all codecs share: it is valid until the next message.
   * @param measure whether to time the codec for some of the messages
   * @throws PAYLOAD_INVALID, KEY_INVALID, HEADER_INVALID, SEND_OPTION_INVALID, MANIFEST_HOOK_FAILED, MIDDLEWARE_FAILED
   */
  encode(given: Payload | null, options: SendOptions, isTombstone: boolean, measure: boolean): DriverMessage {
    this.lastEncodeMs = undefined
    const { runs } = this.#middlewareList.isEmpty ? noMiddleware : this.#middleware
    if (runs.length === 0) return this.#encode(given, options, isTombstone, measure)
    const target = { manifest: this.#name, topic: this.#topic }
    const changed = runMiddleware(runs, target, { payload: given, options }, isTombstone)
    return this.#encode(changed.payload as Payload | null, changed.options, isTombstone, measure)
  }

  hookFailure(hook: string, error: unknown, reason = ''): MessagingError {
    const manifest = this.#name
    const topic = this.#topic
    return new MessagingError('MANIFEST_HOOK_FAILED', { manifest, hook, reason }, { manifest, topic, cause: error })
  }

  #encode(given: Payload | null, options: SendOptions, isTombstone: boolean, measure: boolean): DriverMessage {
    const name = this.#name
    const topic = this.#topic
    if (isTombstone) {
      const key = this.#encodeKey(options.key)
      const partition = encodePartition(options.partition, name)
      const timestamp = encodeTimestamp(options.timestamp, name)
      return { topic, value: null, key, headers: this.#encodeHeaders(undefined, options.headers), partition, timestamp }
    }
    if (given === null || given === undefined) {
      const expected = 'a payload (to delete a key use registry.tombstone())'
      const parameters = { manifest: name, path: '$', expected, actual: String(given) }
      throw new MessagingError('PAYLOAD_INVALID', parameters, { manifest: name })
    }
    const manifest = this.#manifest
    let hook: HookName = 'prepare'
    let key: Buffer | null
    let rawPartition: number | undefined
    let rawTimestamp: number | Date | undefined
    let rawHeaders: MessageHeaders | undefined
    let payload: Payload
    try {
      payload = this.#prepare === undefined ? given : this.#prepare.call(manifest, given)
      if (payload instanceof Promise)
        throw this.hookFailure(hook, undefined, ': it returns a promise, and is not awaited')
      hook = 'key'
      key = this.#encodeKey(options.key === undefined ? this.#key?.call(manifest, payload) : options.key)
      hook = 'partition'
      rawPartition = options.partition ?? this.#partition?.call(manifest, payload, key, this.#partitions?.current)
      hook = 'timestamp'
      rawTimestamp = options.timestamp ?? this.#timestamp?.call(manifest, payload)
      hook = 'headers'
      rawHeaders = this.#headers?.call(manifest, payload)
    } catch (error) {
      throw isMessagingError(error) ? error : this.hookFailure(hook, error)
    }
    const partition = encodePartition(rawPartition, name)
    const timestamp = encodeTimestamp(rawTimestamp, name)
    const headers = this.#encodeHeaders(rawHeaders, options.headers)
    // The value last: from here on until the hand-over nothing may run that encodes another.
    const startedAt = measure && this.#measuresThis() ? performance.now() : 0
    const value = this.#codec.encode(payload)
    if (startedAt !== 0) this.lastEncodeMs = performance.now() - startedAt
    return { topic, value: this.#copiesValue ? value : Buffer.from(value), key, headers, partition, timestamp }
  }

  #encodeKey(key: MessageKey): Buffer | null {
    const keyCodec = this.#keyCodec
    const name = this.#name
    if (keyCodec === undefined) return encodeKey(key, name)
    if (key === undefined || key === null) return null
    try {
      // A copy, since the value is encoded into the same buffer next.
      return Buffer.from(keyCodec.encode(key))
    } catch (error) {
      throw isMessagingError(error) ? error.of(name) : error
    }
  }

  #encodeHeaders(
    ofManifest: MessageHeaders | undefined,
    ofCall: MessageHeaders | undefined,
  ): readonly DriverHeader[] | undefined {
    const messageId = this.#messageId
    const headers = encodeHeaders(this.#name, ofManifest, ofCall)
    if (messageId === undefined || headers?.some(([header]) => header === messageId.header)) return headers
    const id: DriverHeader = [messageId.header, messageId.create()]
    return headers === undefined ? [id] : [...headers, id]
  }

  /** A small payload is encoded in less time than it takes to read the clock twice: some stand for all. */
  #measuresThis(): boolean {
    return this.#encoded++ % messagesPerTime === 0
  }
}

/** Whether a manifest has a method of its own. */
export function hasOwnHook<Payload>(manifest: ProducerManifest<Payload>, name: HookName): boolean {
  return manifest[name] !== ProducerManifest.prototype[name]
}

/** Read once: each manifest has a shape of its own, and to look methods up in a thousand shapes costs more than to encode. */
function ownHook<Payload, Name extends HookName>(manifest: ProducerManifest<Payload>, name: Name): Hook<Payload, Name> {
  return hasOwnHook(manifest, name) ? manifest[name] : undefined
}

/** Key, value and headers together, in bytes. */
export function messageBytes({ key, value, headers }: DriverMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + (headers === undefined ? 0 : headerBytes(headers))
}
