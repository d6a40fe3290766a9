import type { EventName, EventPayloads } from './events.ts'

/** Closed on purpose: a tag with a value per message (a key, an id) would make a series per message. */
export type MetricTag = 'manifest' | 'topic' | 'code' | 'driver' | 'broker' | 'source' | 'owner' | 'thread'

export type MetricUnit =
  | 'messages'
  | 'bytes'
  | 'ms'
  | 'producers'
  | 'connections'
  | 'schemas'
  | 'requests'
  | 'errors'
  | 'attempts'
  | 'partitions'
  | 'pauses'
  | 'commits'

interface MetricRow {
  readonly unit: MetricUnit
  readonly tags: readonly MetricTag[]
  readonly meaning: string
}

/** Fed by an event: a counter adds up, a distribution keeps count, sum, maximum and percentiles. */
export interface EventMetric<Name extends EventName = EventName> extends MetricRow {
  readonly type: 'counter' | 'distribution'
  readonly event: Name
  /** What one event adds; absent: 1. undefined: the event says nothing about this metric. */
  readonly value?: (payload: EventPayloads[Name]) => number | undefined
}

/** A client as `registry.status()` describes it. */
export interface ClientLoad {
  readonly driver: string
  readonly pending: number
  readonly pendingBytes: number
}

/** Read from the open clients whenever somebody looks. */
export interface GaugeMetric extends MetricRow {
  readonly type: 'gauge'
  readonly read: (client: ClientLoad) => number
}

export type Metric = EventMetric | GaugeMetric

const perTopic = ['manifest', 'topic'] as const
const perBroker = ['driver', 'broker'] as const

/** The one table of metrics: what is counted, docs/metrics.md and the dashboards come from it. */
export const metrics = {
  'messages.encode_time': fed('distribution', 'message.encoded', {
    unit: 'ms',
    tags: perTopic,
    meaning: 'How long the codec took. Measured for every 16th message, so its count is not that of messages.',
    value: ({ durationMs }) => durationMs,
  }),
  'messages.sent': fed('counter', 'message.sent', {
    unit: 'messages',
    tags: perTopic,
    meaning: 'Messages that the driver took.',
  }),
  'messages.sent_bytes': fed('counter', 'message.sent', {
    unit: 'bytes',
    tags: perTopic,
    meaning: 'Key, value and headers of the messages that the driver took.',
    value: ({ bytes }) => bytes,
  }),
  'messages.acknowledged': fed('counter', 'message.acknowledged', {
    unit: 'messages',
    tags: perTopic,
    meaning: 'Messages that the broker acknowledged.',
  }),
  'messages.acknowledgement_time': fed('distribution', 'message.acknowledged', {
    unit: 'ms',
    tags: perTopic,
    meaning:
      'From the send until the acknowledgement. Measured for each message while up to 16 of a producer are under way, else for every 8th, so its count is not that of messages.',
    // 0 says that it was not measured, not that it took no time.
    value: ({ durationMs }) => (durationMs === 0 ? undefined : durationMs),
  }),
  'messages.failed': fed('counter', 'message.failed', {
    unit: 'messages',
    tags: ['manifest', 'topic', 'code'],
    meaning: 'Messages that failed for good, by error code. The topic is `none` where no producer could be built.',
  }),
  'messages.suppressed': fed('counter', 'message.suppressed', {
    unit: 'messages',
    tags: ['manifest'],
    meaning: 'Messages not sent because their manifest was disabled.',
  }),
  'producers.built': fed('counter', 'producer.built', {
    unit: 'producers',
    tags: perTopic,
    meaning: 'Producers built; more than one per process and manifest means that a client died and was replaced.',
  }),
  'producers.build_time': fed('distribution', 'producer.built', {
    unit: 'ms',
    tags: ['manifest'],
    meaning: 'What the first send waits for: reading the manifest, loading the driver, connecting.',
    value: ({ durationMs }) => durationMs,
  }),
  'producers.build_failed': fed('counter', 'producer.build_failed', {
    unit: 'producers',
    tags: ['manifest', 'code'],
    meaning: 'Producers that could not be built, by error code; each next send tries again.',
  }),
  'clients.connected': fed('counter', 'client.connected', {
    unit: 'connections',
    tags: ['driver'],
    meaning: 'Driver clients connected: one per profile, then one for each reconnect.',
  }),
  'clients.closed': fed('counter', 'client.closed', {
    unit: 'connections',
    tags: ['driver'],
    meaning: 'Driver clients closed: idle, dead or at the end.',
  }),
  'clients.connect_time': fed('distribution', 'client.connected', {
    unit: 'ms',
    tags: ['driver'],
    meaning: 'From the start of a client until a broker answered it.',
    value: ({ durationMs }) => durationMs,
  }),
  'clients.errored': fed('counter', 'client.errored', {
    unit: 'errors',
    tags: ['driver', 'code'],
    meaning: 'Trouble that clients report in the background (a broker down, a fatal error), by error code.',
  }),
  'schemas.fetched': fed('counter', 'schema.fetched', {
    unit: 'schemas',
    tags: ['source'],
    meaning: 'Schemas looked up by the id in a message; the source `cache` is a hit.',
  }),
  'schemas.fetch_time': fed('distribution', 'schema.fetched', {
    unit: 'ms',
    tags: ['source'],
    meaning: 'How long a look-up took that the cache could not answer.',
    value: ({ source, durationMs }) => (source === 'cache' ? undefined : durationMs),
  }),
  'schemas.registered': fed('counter', 'schema.registered', {
    unit: 'schemas',
    tags: ['source'],
    meaning: 'Ids found, or given, for schemas of manifests; the source `cache` is a hit.',
  }),
  'schemas.errored': fed('counter', 'schema_registry.errored', {
    unit: 'errors',
    tags: ['code'],
    meaning: 'Failures of the schema registry or its cache on disk, by error code.',
  }),
  'brokers.round_trip_time': fed('distribution', 'broker.measured', {
    unit: 'ms',
    tags: perBroker,
    meaning: 'Averages over `metrics.driverStatisticsMs` from a request until its answer.',
    value: ({ roundTripMs }) => roundTripMs,
  }),
  'brokers.outbound_messages': fed('distribution', 'broker.measured', {
    unit: 'messages',
    tags: perBroker,
    meaning: 'Messages that waited to be written to the connection, as seen every `metrics.driverStatisticsMs`.',
    value: ({ outboundMessages }) => outboundMessages,
  }),
  'brokers.retries': fed('counter', 'broker.measured', {
    unit: 'requests',
    tags: perBroker,
    meaning: 'Requests that the driver sent again.',
    value: ({ retries }) => retries,
  }),
  'brokers.reconnects': fed('counter', 'broker.measured', {
    unit: 'connections',
    tags: perBroker,
    meaning: 'Connections made again after one was lost or closed as idle.',
    value: ({ reconnects }) => reconnects,
  }),
  'consumed.messages': fed('counter', 'batch.handled', {
    unit: 'messages',
    tags: perTopic,
    meaning: 'Messages that consumers are done with.',
    value: ({ messages }) => messages,
  }),
  'consumed.bytes': fed('counter', 'batch.handled', {
    unit: 'bytes',
    tags: perTopic,
    meaning: 'Keys, values and headers of these messages.',
    value: ({ bytes }) => bytes,
  }),
  'consumed.handling_time': fed('distribution', 'batch.handled', {
    unit: 'ms',
    tags: perTopic,
    meaning: 'How long batches took, or messages that were handled in one go; waits for another attempt included.',
    value: ({ durationMs }) => durationMs,
  }),
  'consumed.attempts_failed': fed('counter', 'attempt.failed', {
    unit: 'attempts',
    tags: ['manifest', 'topic', 'code'],
    meaning: 'Attempts that failed and are followed by another, by error code.',
  }),
  'consumed.rejected': fed('counter', 'message.rejected', {
    unit: 'messages',
    tags: ['manifest', 'topic', 'code'],
    meaning: 'Messages whose attempts are used up or that cannot be decoded, by error code.',
  }),
  'consumed.deferred': fed('counter', 'message.deferred', {
    unit: 'messages',
    tags: ['manifest', 'topic', 'code'],
    meaning: 'Failed messages that wait for a later attempt, in a retry topic or with their key, by error code.',
  }),
  'consumed.deduplicated': fed('counter', 'message.deduplicated', {
    unit: 'messages',
    tags: perTopic,
    meaning: 'Messages left out, since one with their id was handled before.',
  }),
  'consumed.dead_lettered': fed('counter', 'message.dead_lettered', {
    unit: 'messages',
    tags: perTopic,
    meaning: 'Messages that went to a dead letter topic.',
  }),
  'consumed.commits': fed('counter', 'offset.committed', {
    unit: 'commits',
    tags: perTopic,
    meaning: 'Offsets that brokers took.',
  }),
  'consumed.lag': fed('distribution', 'partition.measured', {
    unit: 'messages',
    tags: perTopic,
    meaning: 'How far partitions were behind, as measured every `consumer.lagIntervalMs`.',
    value: ({ lag }) => lag,
  }),
  'consumed.oldest_age': fed('distribution', 'partition.measured', {
    unit: 'ms',
    tags: perTopic,
    meaning: 'Age of the oldest message of a partition that was here and not done, as measured with the lag.',
    value: ({ oldestAgeMs }) => oldestAgeMs,
  }),
  'partitions.assigned': fed('counter', 'partition.assigned', {
    unit: 'partitions',
    tags: perTopic,
    meaning: 'Partitions that consumers were given.',
  }),
  'partitions.revoked': fed('counter', 'partition.revoked', {
    unit: 'partitions',
    tags: perTopic,
    meaning: 'Partitions that consumers gave back or lost.',
  }),
  'partitions.lost': fed('counter', 'partition.revoked', {
    unit: 'partitions',
    tags: perTopic,
    meaning: 'Those of them that were taken before anything could be committed.',
    value: ({ lost }) => (lost ? 1 : undefined),
  }),
  'partitions.paused': fed('counter', 'partition.paused', {
    unit: 'pauses',
    tags: ['manifest', 'topic', 'owner'],
    meaning: 'Pauses, by who asked for them.',
  }),
  'partitions.pause_time': fed('distribution', 'partition.resumed', {
    unit: 'ms',
    tags: ['manifest', 'topic', 'owner'],
    meaning: 'How long pauses lasted.',
    value: ({ durationMs }) => durationMs,
  }),
  'partitions.pause_age': fed('distribution', 'pause.measured', {
    unit: 'ms',
    tags: ['manifest', 'topic', 'owner'],
    meaning:
      'Age of each pause that there was, and of what single messages wait for (another attempt, a dead letter, the throttle), as seen every `consumer.lagIntervalMs`.',
    value: ({ ageMs }) => ageMs,
  }),
  'consumers.errored': fed('counter', 'consumer.errored', {
    unit: 'errors',
    tags: ['manifest', 'code'],
    meaning: 'Trouble of consumers in the background, by error code.',
  }),
  'consumers.replaced': fed('counter', 'consumer.replaced', {
    unit: 'connections',
    tags: ['manifest', 'code'],
    meaning: 'Clients of consumers that were replaced, by what was wrong with them.',
  }),
  'handlers.blocked_time': fed('distribution', 'handler.blocked', {
    unit: 'ms',
    tags: perTopic,
    meaning: 'How long handlers kept the event loop, where it was at least `consumer.blockedMs`.',
    value: ({ durationMs }) => durationMs,
  }),
  'process.event_loop_delay': fed('distribution', 'event_loop.measured', {
    unit: 'ms',
    tags: ['thread'],
    meaning: 'How late timers were: the 99th percentile of each `metrics.eventLoopIntervalMs`.',
    value: ({ p99Ms }) => p99Ms,
  }),
  'process.event_loop_delay_max': fed('distribution', 'event_loop.measured', {
    unit: 'ms',
    tags: ['thread'],
    meaning: 'The latest that a timer was in each `metrics.eventLoopIntervalMs`.',
    value: ({ maxMs }) => maxMs,
  }),
  'queue.messages': {
    type: 'gauge',
    unit: 'messages',
    tags: ['driver'],
    meaning: 'Messages with the clients now: waiting for room, or on their way.',
    read: ({ pending }) => pending,
  },
  'queue.bytes': {
    type: 'gauge',
    unit: 'bytes',
    tags: ['driver'],
    meaning: 'Bytes of the messages with the clients now.',
    read: ({ pendingBytes }) => pendingBytes,
  },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics

/** The table as rows that are all of one type. */
export const metricRows: readonly (readonly [name: MetricName, metric: Metric])[] = Object.entries(metrics) as [
  MetricName,
  Metric,
][]

function fed<Name extends EventName>(
  type: EventMetric['type'],
  event: Name,
  row: MetricRow & Pick<EventMetric<Name>, 'value'>,
): EventMetric {
  // The aggregator gives each row payloads of its own event only.
  return { type, event, ...row } as unknown as EventMetric
}
