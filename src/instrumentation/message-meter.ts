import type { EventFeed } from './event-feed.ts'
import type { EventName, EventPayloads } from './events.ts'
import type { MetricSeries } from './metric-series.ts'

type Writable<Payload> = { -readonly [Field in keyof Payload]: Payload[Field] }
type Sent = EventPayloads['message.sent']
type Acknowledged = EventPayloads['message.acknowledged']

/** What every message does: producers tell a meter of it, so that nobody has to make events of it only to count them. */
export const meteredEvents: ReadonlySet<EventName> = new Set<EventName>(['message.sent', 'message.acknowledged'])

/** Counts the messages of one producer. Its series are looked up once; to tell it of a message makes no object. */
export class MessageMeter {
  readonly #sentFeed: EventFeed
  readonly #sentSeries: readonly MetricSeries[]
  readonly #sent: Writable<Sent>
  readonly #acknowledgedFeed: EventFeed
  readonly #acknowledgedSeries: readonly MetricSeries[]
  readonly #acknowledged: Writable<Acknowledged>

  constructor(feedOf: (event: EventName) => EventFeed, instance: string, manifest: string, topic: string) {
    // Filled again for each message: the table of metrics reads its numbers and keeps nothing.
    this.#sent = { instance, manifest, topic, bytes: 0 }
    this.#acknowledged = { instance, manifest, topic, partition: -1, offset: -1, bytes: 0, durationMs: 0 }
    this.#sentFeed = feedOf('message.sent')
    this.#sentSeries = this.#sentFeed.seriesOf(this.#sent)
    this.#acknowledgedFeed = feedOf('message.acknowledged')
    this.#acknowledgedSeries = this.#acknowledgedFeed.seriesOf(this.#acknowledged)
  }

  sent(bytes: number): void {
    this.#sent.bytes = bytes
    this.#sentFeed.recordTo(this.#sentSeries, this.#sent)
  }

  /** @param durationMs since the hand-over; 0 where it was not measured */
  acknowledged(bytes: number, durationMs: number): void {
    this.#acknowledged.bytes = bytes
    this.#acknowledged.durationMs = durationMs
    this.#acknowledgedFeed.recordTo(this.#acknowledgedSeries, this.#acknowledged)
  }
}
