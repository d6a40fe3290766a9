import type { ProducerOptions } from '../config/fields.ts'
import type { AvroSchema } from '../encoding/avro-codec.ts'
import type { TopicConfig } from './create-topic.ts'
import type { DeclaredEncoding } from './manifest-encoding.ts'

/**
 * Strings are UTF-8, numbers and bigints their decimal text; null or undefined is no key.
 * With a `keySchema` it is what that describes, an object too.
 */
export type MessageKey = string | Uint8Array | number | bigint | Readonly<Record<string, unknown>> | null | undefined

export type HeaderValue = string | Uint8Array

/** By name, several values as a list; or pairs, where the order across names matters. */
export type MessageHeaders =
  | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>
  | readonly (readonly [name: string, value: HeaderValue])[]

// A registered symbol: a manifest declared with another copy of the package is still a manifest.
const brand = Symbol.for('postrider.ProducerManifest')

/**
 * Declares what is sent to one topic. Subclass it; the instance is made on the first send, never at declaration.
 * Any field of the `producer` table in docs/configuration.md can be an attribute too: `override readonly acks = 1`
 * (`readonly` keeps the literal type).
 * @example
 * class OrderPlaced extends ProducerManifest<Order> {
 *   topic = 'orders.placed'
 *   override readonly schema = orderSchema
 *   override key(order: Order) { return order.id }
 * }
 */
// oxlint-disable-next-line no-unsafe-declaration-merging -- the merged attributes are optional and have no initial value
export abstract class ProducerManifest<Payload = unknown> {
  /** Name in config, events and errors. Default: the class name; set it where a bundler renames classes. */
  static manifestName?: string | undefined

  /** Carries the payload type for inference; never set. */
  declare readonly '~payload'?: Payload

  /** Topic name, or a function of the configured `environment`. The `topicPrefix` comes before it. */
  abstract readonly topic: string | ((environment: string) => string)
  /**
   * Avro schema of the key, which is then written like an Avro payload, subject `<topic>-key`. Default: keys are text or bytes.
   * A key is hashed as its bytes: a reordered schema moves keys to other partitions.
   */
  declare readonly keySchema?: AvroSchema
  declare readonly topicConfig?: TopicConfig

  /** The key of a message: messages of one key stay in order, on one partition. Default: none. */
  key(_payload: Payload): MessageKey {
    return undefined
  }

  /** Headers of a message; headers of a single call are added after them. Default: none. */
  headers(_payload: Payload): MessageHeaders | undefined {
    return undefined
  }

  /**
   * The partition of a message, from 0. `partitions` is how many the topic has, looked at again every 5 minutes; undefined where that is
   * not known (yet). Default: undefined, the partitioner chooses.
   */
  partition(_payload: Payload, _key: Buffer | null, _partitions?: number): number | undefined {
    return undefined
  }

  /** When it happened, in ms since 1970 or as a Date. Default: undefined, the time of the send. */
  timestamp(_payload: Payload): number | Date | undefined {
    return undefined
  }

  /** The name its schema is registered under. Default: undefined, `subjectStrategy` decides. */
  subject(_topic: string, _part: 'key' | 'value'): string | undefined {
    return undefined
  }

  /** The payload as it is encoded: the place to fill in defaults or to reject by throwing. Default: as given. */
  prepare(payload: Payload): Payload {
    return payload
  }
}

/** Attributes from the config table, and those of manifests of both kinds. Merged into the class, so that each has one list. */
export interface ProducerManifest<Payload> extends Omit<ProducerOptions, 'topic'>, DeclaredEncoding<Payload> {}

Object.defineProperty(ProducerManifest.prototype, brand, { value: true })

/** A manifest class, as it is passed to the registry. */
export interface ProducerManifestClass<Payload = unknown> {
  new (): ProducerManifest<Payload>
  readonly name: string
  readonly manifestName?: string | undefined
}

/** The payload type of a manifest class. */
export type PayloadOf<Manifest> = Manifest extends { new (): { readonly '~payload'?: infer Payload } }
  ? Exclude<Payload, undefined>
  : never

export function isProducerManifestClass(value: unknown): value is ProducerManifestClass {
  return typeof value === 'function' && (value.prototype as { [brand]?: unknown } | undefined)?.[brand] === true
}

export function manifestNameOf(manifest: ProducerManifestClass): string {
  return manifest.manifestName ?? manifest.name
}
