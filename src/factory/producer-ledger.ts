import type { MessagingError } from '../errors/messaging-error.ts'
import { channels } from '../instrumentation/events.ts'
import type { MessageMeter } from '../instrumentation/message-meter.ts'
import { UnheardFailures } from '../instrumentation/unheard-failures.ts'

// Taken out of their table once: to look them up among all events costs more than to count.
const {
  'message.encoded': encoded,
  'message.sent': sent,
  'message.acknowledged': acknowledged,
  'message.failed': failed,
} = channels

/** With more than so many under way, metrics are told the time of every 8th: to read the clock costs more than to count. */
const timedUnderWay = 16
const messagesPerTime = 8

/** What became of the messages of one producer: counts for status(), events for whoever listens. */
export class ProducerLedger {
  // What every message needs comes first: fields lie in this order.
  started = 0
  acknowledged = 0
  readonly #meter: MessageMeter | undefined
  readonly topic: string
  readonly manifest: string
  readonly instance: string
  failed = 0
  lastError: MessagingError | undefined
  readonly #unheard = new UnheardFailures()

  constructor(manifest: string, topic: string, instance: string, meter?: MessageMeter) {
    this.manifest = manifest
    this.topic = topic
    this.instance = instance
    this.#meter = meter
  }

  /** Whether the message that starts now is to be timed: for listeners always, for metrics as far as it is cheap. */
  get measuresTime(): boolean {
    if (acknowledged.hasSubscribers) return true
    if (this.#meter === undefined) return false
    return this.started % messagesPerTime === 0 || this.started - this.acknowledged - this.failed <= timedUnderWay
  }

  /** Whether anybody is told of each message. */
  get tellsOfEach(): boolean {
    return this.#meter !== undefined || sent.hasSubscribers || acknowledged.hasSubscribers
  }

  /** Whether anybody wants to know how long encoding takes. */
  get measuresEncoding(): boolean {
    return this.#meter !== undefined || encoded.hasSubscribers
  }

  recordEncoded(bytes: number, durationMs: number): void {
    this.#meter?.encoded(bytes, durationMs)
    if (!encoded.hasSubscribers) return
    const { instance, manifest, topic } = this
    encoded.publish({ instance, manifest, topic, bytes, durationMs })
  }

  recordSent(bytes: number): void {
    this.#meter?.sent(bytes)
    if (!sent.hasSubscribers) return
    const { instance, manifest, topic } = this
    sent.publish({ instance, manifest, topic, bytes })
  }

  recordAcknowledged(partition: number, offset: number, bytes: number, startedAt: number): void {
    this.acknowledged++
    const durationMs = startedAt === 0 ? 0 : performance.now() - startedAt
    this.#meter?.acknowledged(bytes, durationMs)
    if (!acknowledged.hasSubscribers) return
    const { instance, manifest, topic } = this
    acknowledged.publish({ instance, manifest, topic, partition, offset, bytes, durationMs })
  }

  /** @param partition -1 where none was chosen yet */
  recordFailed(error: MessagingError, dispatched: boolean, partition = -1): void {
    this.failed++
    this.lastError = error
    const { instance, manifest, topic } = this
    if (failed.hasSubscribers) failed.publish({ instance, manifest, topic, partition, error, dispatched })
    else if (dispatched) this.#unheard.warn('message.failed', `A dispatched ${manifest} failed`, error)
  }
}
