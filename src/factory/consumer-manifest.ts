import type { ConsumerOptions } from '../config/fields.ts'
import type { DriverHeader } from '../driver/driver.ts'
import type { TraceContext } from '../instrumentation/trace-context.ts'
import type { TopicConfig } from './create-topic.ts'
import type { Transaction, TransactionSends } from './transaction.ts'
import type { DeclaredEncoding } from './manifest-encoding.ts'

/** A message as it came, with its payload once its turn has come. */
export type ReceivedMessage<Payload = unknown> = ReceivedParts &
  (
    | { readonly isTombstone: false; readonly payload: Payload }
    | { readonly isTombstone: true; /** A key was deleted. */ readonly payload: null }
  )

/** Where a message was stored, and when it was sent. */
export interface MessageOrigin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970; -1 where unknown. */
  readonly timestamp: number
}

/** A message before it is decoded. Of one from a retry topic `topic`, `partition` and `offset` are those there, `timestamp` is that of its origin. */
export interface ReceivedParts extends MessageOrigin {
  /** Where it came from in the first place: itself, unless it comes from a retry topic. */
  readonly origin: MessageOrigin
  readonly key: Buffer | null
  /** The bytes as they came; null is a tombstone. */
  readonly value: Buffer | null
  /** Names may repeat, order is kept. */
  readonly headers: readonly DriverHeader[]
  /** 1 for the first time this process handles it; goes on counting in retry topics. */
  readonly attempt: number
  /** Where it was sent from, if its headers say so. */
  readonly trace: TraceContext | undefined
  /** The last header of this name as text. */
  header(name: string): string | undefined
}

export interface HandlerContext {
  readonly manifest: string
  /** Empty where partitions are read without one. */
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** Aborts when the partition is about to be given up or the consumer stops: what is begun should come to an end. */
  readonly ending: AbortSignal
  /** Aborts when the partition was taken away, or the time to stop is over: what is done after it is not committed. */
  readonly signal: AbortSignal
  /** Holds this partition back after the current message or batch: `context.pause(30_000, 'API asks for patience')`. */
  pause(durationMs: number, reason: string): void
  /**
   * With `commit: 'transaction'`: what the handler sends by it becomes visible together with the offset of the message or batch, or
   * not at all when the handler throws. In other modes it rejects with INPUT_INVALID.
   */
  readonly transaction: TransactionSends
  /**
   * With `commit: 'manual'`: what comes up to this message is done, and is committed when this resolves; or, with a transaction of
   * `registry.transaction`, when that commits.
   * @throws COMMIT_FAILED, INPUT_INVALID in other modes, AbortError after `signal`
   */
  commit(message: ReceivedParts, transaction?: Transaction): Promise<void>
}

export interface BatchContext extends HandlerContext {
  /** If the batch fails, this message is not handled again; the first one that is not marked has failed. */
  markDone(message: ReceivedParts): void
  /**
   * To be thrown where a message fails: those before it are done, and it alone is tried again or given up.
   * @example throw context.failedAt(index, error)
   */
  failedAt(index: number, cause: unknown): Error
}

/**
 * Goes around each call of a handler, for one message or a batch. What it throws counts as thrown by the handler; where it does not call
 * `next`, the messages are done without one.
 */
export type ConsumeMiddleware = (
  messages: readonly ReceivedMessage[],
  context: HandlerContext,
  next: () => Promise<void>,
) => Promise<void> | void

/** Where messages come from: a name, or a function of the configured `environment`. */
export type TopicName = string | ((environment: string) => string)

// A registered symbol: a manifest declared with another copy of the package is still a manifest.
const brand = Symbol.for('postrider.ConsumerManifest')

/**
 * Declares what is read from where, and what is done with it: one of `topic`, `topics` and `pattern`, and one of `handle`
 * and `handleBatch`. Any field of the `consumer` table in docs/configuration.md can be an attribute too.
 * @example
 * class BillOrder extends ConsumerManifest<Order> {
 *   override readonly topic = 'orders.placed'
 *   override readonly group = 'billing'
 *   override async handle(message: ReceivedMessage<Order>) { if (!message.isTombstone) await bill(message.payload) }
 * }
 */
// oxlint-disable-next-line no-unsafe-declaration-merging -- the merged attributes are optional and have no initial value
export abstract class ConsumerManifest<Payload = unknown> {
  /** Name in config, events and errors. Default: the class name; set it where a bundler renames classes. */
  static manifestName?: string | undefined

  /** Carries the payload type for inference; never set. */
  declare readonly '~payload'?: Payload

  /** The `topicPrefix` comes before it. */
  declare readonly topic?: TopicName
  /** Several topics, each with the `topicPrefix` before it. */
  declare readonly topics?: readonly TopicName[]
  /** Topics by their names, as they come and go. Begins with `^`, in whose place the `topicPrefix` is put. */
  declare readonly pattern?: RegExp

  /** How its retry topics are created where `createFailureTopics` is `if-missing`. */
  declare readonly retryTopicConfig?: TopicConfig
  /** The same for its dead letter topics. */
  declare readonly deadLetterTopicConfig?: TopicConfig

  /** Whether a message is for this consumer, asked before it is decoded. One that is not counts as done. Default: all are. */
  filter?(message: ReceivedParts): boolean

  /** Handles one message; it is done when this resolves. */
  handle?(message: ReceivedMessage<Payload>, context: HandlerContext): unknown

  /** Handles messages of one partition, in order; all are done when this resolves. */
  handleBatch?(messages: readonly ReceivedMessage<Payload>[], context: BatchContext): unknown

  /** Whether another attempt may help against this error. Default: always. A payload that cannot be decoded is never tried again. */
  retries?(error: unknown, message: ReceivedParts): boolean
}

/** Attributes from the config table, and those of manifests of both kinds. Merged into the class, so that each has one list. */
export interface ConsumerManifest<Payload> extends Omit<ConsumerOptions, 'topic'>, DeclaredEncoding<Payload> {}

Object.defineProperty(ConsumerManifest.prototype, brand, { value: true })

/** A consumer manifest class, as it is passed to `consumers.run`. */
export interface ConsumerManifestClass<Payload = unknown> {
  // oxlint-disable-next-line no-explicit-any -- handlers take their own payload, which the runtime gives them
  new (): ConsumerManifest<any> & { readonly '~payload'?: Payload }
  readonly name: string
  readonly manifestName?: string | undefined
}

export function isConsumerManifestClass(value: unknown): value is ConsumerManifestClass {
  return typeof value === 'function' && (value.prototype as { [brand]?: unknown } | undefined)?.[brand] === true
}

export function consumerNameOf(manifest: ConsumerManifestClass): string {
  return manifest.manifestName ?? manifest.name
}
