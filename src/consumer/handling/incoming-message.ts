import type { ConsumedMessage } from '../../driver/driver-consumer.ts'
import type { DriverHeader } from '../../driver/driver.ts'
import type { Codec } from '../../encoding/codec.ts'
import type { MessageOrigin, ReceivedParts } from '../../factory/consumer-manifest.ts'
import { headerBytes } from '../../factory/message-parts.ts'
import { extractTraceContext, type TraceContext } from '../../instrumentation/trace-context.ts'

/** What codecs throw, so that it is not taken for a failure of the handler. */
export class DecodingFailure extends Error {
  constructor(cause: unknown) {
    super('a payload could not be decoded', { cause })
  }
}

/** What is known of a message that was handled before, in vain. */
export interface EarlierAttempts {
  readonly origin: MessageOrigin
  /** All of them. */
  readonly attempts: number
  /** Those of them that did not hold the partition. */
  readonly later: number
}

const noHeaders: readonly DriverHeader[] = Object.freeze([])

/** A message on its way to a handler. Its payload is there once `decode` is done, which is asked for when its turn has come. */
export class IncomingMessage implements ReceivedParts {
  readonly raw: ConsumedMessage
  /** Key, value and headers together. */
  readonly bytes: number
  attempt = 1
  /** Attempts that failed by no fault of the message or its handler. */
  excused = 0
  /** How many attempts there were after `retryLaterMs`, this one included. */
  later = 0
  isDone = false
  /** The handler got it. */
  isGiven = false
  payload: unknown = null
  readonly #origin: MessageOrigin | undefined
  #isDecoded: boolean

  constructor(raw: ConsumedMessage, earlier?: EarlierAttempts, bytes = consumedBytes(raw)) {
    this.raw = raw
    this.bytes = bytes
    this.#origin = earlier?.origin
    if (earlier !== undefined) {
      this.attempt = earlier.attempts + 1
      this.later = earlier.later
    }
    this.#isDecoded = raw.value === null
  }

  get topic(): string {
    return this.raw.topic
  }

  get partition(): number {
    return this.raw.partition
  }

  get offset(): number {
    return this.raw.offset
  }

  get timestamp(): number {
    return (this.#origin ?? this.raw).timestamp
  }

  get origin(): MessageOrigin {
    return this.#origin ?? this
  }

  get key(): Buffer | null {
    return this.raw.key
  }

  get value(): Buffer | null {
    return this.raw.value
  }

  get headers(): readonly DriverHeader[] {
    return this.raw.headers ?? noHeaders
  }

  get isTombstone(): boolean {
    return this.raw.value === null
  }

  get trace(): TraceContext | undefined {
    return extractTraceContext(this.raw.headers)
  }

  header(name: string): string | undefined {
    return this.headers.findLast(([known]) => known === name)?.[1].toString()
  }

  /** A promise only while the codec waits for a schema. @throws DecodingFailure */
  decode(codec: Codec): Promise<void> | undefined {
    if (this.#isDecoded) return undefined
    try {
      const decoded = codec.decode(this.raw.value!)
      if (!(decoded instanceof Promise)) {
        this.#keep(decoded)
        return undefined
      }
      return decoded.then(
        (payload) => this.#keep(payload),
        (error: unknown) => {
          throw new DecodingFailure(error)
        },
      )
    } catch (error) {
      throw new DecodingFailure(error)
    }
  }

  #keep(payload: unknown): void {
    this.payload = payload
    this.#isDecoded = true
  }
}

/** Key, value and headers together. */
export function consumedBytes({ key, value, headers }: ConsumedMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + (headers === undefined ? 0 : headerBytes(headers))
}
