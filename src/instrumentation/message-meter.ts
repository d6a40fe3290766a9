import type { EventFeed } from './event-feed.ts'
import type { EventName, EventPayloads } from './events.ts'
import type { MetricSeries } from './metric-series.ts'

type MeteredEvent = 'message.encoded' | 'message.sent' | 'message.acknowledged'
type Writable<Payload> = { -readonly [Field in keyof Payload]: Payload[Field] }

/** What every message does: producers tell a meter of it, so that nobody has to make events of it only to count them. */
export const meteredEvents: ReadonlySet<EventName> = new Set<EventName & MeteredEvent>([
  'message.encoded',
  'message.sent',
  'message.acknowledged',
])

/** Counts the messages of one producer. Its series are looked up once; to tell it of a message makes no object. */
export class MessageMeter {
  readonly #encoded: BoundFeed<'message.encoded'>
  readonly #sent: BoundFeed<'message.sent'>
  readonly #acknowledged: BoundFeed<'message.acknowledged'>

  constructor(feedOf: (event: EventName) => EventFeed, instance: string, manifest: string, topic: string) {
    const common = { instance, manifest, topic, bytes: 0 }
    const acknowledged = { ...common, partition: -1, offset: -1, durationMs: 0 }
    this.#encoded = new BoundFeed(feedOf('message.encoded'), { ...common, durationMs: 0 })
    this.#sent = new BoundFeed(feedOf('message.sent'), { ...common })
    this.#acknowledged = new BoundFeed(feedOf('message.acknowledged'), acknowledged)
  }

  encoded(bytes: number, durationMs: number): void {
    this.#encoded.payload.bytes = bytes
    this.#encoded.payload.durationMs = durationMs
    this.#encoded.record()
  }

  sent(bytes: number): void {
    this.#sent.payload.bytes = bytes
    this.#sent.record()
  }

  /** @param durationMs since the hand-over; 0 where it was not measured */
  acknowledged(bytes: number, durationMs: number): void {
    this.#acknowledged.payload.bytes = bytes
    this.#acknowledged.payload.durationMs = durationMs
    this.#acknowledged.record()
  }
}

/** A feed with the series of one producer. */
class BoundFeed<Name extends MeteredEvent> {
  /** Filled again for each message: the table of metrics reads its numbers and keeps nothing. */
  readonly payload: Writable<EventPayloads[Name]>
  readonly #feed: EventFeed
  readonly #series: readonly MetricSeries[]

  constructor(feed: EventFeed, payload: Writable<EventPayloads[Name]>) {
    this.payload = payload
    this.#feed = feed
    this.#series = feed.seriesOf(payload)
  }

  record(): void {
    this.#feed.recordTo(this.#series, this.payload)
  }
}
