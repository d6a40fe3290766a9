import { channel, type Channel } from 'node:diagnostics_channel'
import type { MessagingError } from '../errors/messaging-error.ts'
import { createWarning } from './warn-once.ts'

export interface EventDetails {
  'producer.built': { manifest: string; topic: string; driver: string; durationMs: number }
  'producer.build_failed': { manifest: string; error: MessagingError }
  'client.connected': { driver: string; clientId: string; durationMs: number }
  'client.errored': { driver: string; clientId: string; error: MessagingError }
  'client.closed': {
    driver: string
    /** `closed` with its registry, `idle` without work, `replaced` for other credentials, or `failed`: it could send no more. */
    reason: 'closed' | 'idle' | 'replaced' | 'failed'
    unsettled: number
    durationMs: number
  }
  'client.replaced': {
    driver: string
    clientId: string
    /** What ended the client before. */
    error: MessagingError
    /** Without a client, in which sends waited. */
    downMs: number
  }
  'broker.measured': {
    driver: string
    broker: string
    /** Average from a request until its answer; undefined if there was none. */
    roundTripMs: number | undefined
    /** Messages that wait to be written to the connection, now. */
    outboundMessages: number
    /** Since the last event, as is `reconnects`. */
    retries: number
    reconnects: number
  }
  'message.encoded': { manifest: string; topic: string; bytes: number; durationMs: number }
  'message.sent': { manifest: string; topic: string; bytes: number }
  'message.acknowledged': {
    manifest: string
    topic: string
    partition: number
    offset: number
    bytes: number
    /** From the send, a wait for room included, until the acknowledgement; 0 if nobody listened at the send. */
    durationMs: number
  }
  'message.failed': {
    manifest: string
    topic: string | undefined
    /** -1 where none was chosen yet. */
    partition: number
    error: MessagingError
    dispatched: boolean
  }
  'message.suppressed': { manifest: string }
  'transaction.committed': {
    /** Sends in it; a list counts as one. */
    sends: number
    durationMs: number
  }
  'transaction.aborted': { sends: number; durationMs: number; error: MessagingError }
  'schema.fetched': {
    id: number
    /** `cache`, `disk` while the schema registry is down, or `network`. */
    source: 'cache' | 'disk' | 'network'
    durationMs: number
  }
  'schema.registered': {
    subject: string
    id: number
    /** As for `schema.fetched`. */
    source: 'cache' | 'disk' | 'network'
    durationMs: number
  }
  'schema_registry.errored': { error: MessagingError }
  'consumer.started': {
    manifest: string
    group: string
    driver: string
    /** Names and patterns, separated by commas. */
    topics: string
    /** What becomes of a message that fails, in words. */
    policy: string
  }
  'consumer.stopped': {
    manifest: string
    group: string
    durationMs: number
    /** Messages of what still ran when the time was over. */
    unfinished: number
  }
  'consumer.errored': { manifest: string; group: string; error: MessagingError }
  'consumer.replaced': { manifest: string; group: string; error: MessagingError }
  'partition.assigned': { manifest: string; group: string; topic: string; partition: number }
  'partition.revoked': {
    manifest: string
    group: string
    topic: string
    partition: number
    /** It belonged to another member already: nothing could be committed. */
    lost: boolean
    /** Messages of what still ran when the time was over. */
    unfinished: number
  }
  'partition.paused': {
    manifest: string
    topic: string
    /** -1: all of the consumer. */
    partition: number
    owner: string
    reason: string
  }
  'partition.resumed': {
    manifest: string
    topic: string
    /** -1: all of the consumer. */
    partition: number
    owner: string
    durationMs: number
  }
  'pause.measured': {
    manifest: string
    topic: string
    /** -1: all of the consumer. */
    partition: number
    /** `retry`, `dead-letter` and `throttle`: what single messages wait for. */
    owner: string
    reason: string
    ageMs: number
  }
  'partition.measured': {
    manifest: string
    topic: string
    partition: number
    /** Messages that are there and not done. */
    lag: number
    /** Since the timestamp of the oldest message that is here and not done; 0 where none is. */
    oldestAgeMs: number
  }
  'offset.committed': {
    manifest: string
    topic: string
    partition: number
    /** The next to be handled. */
    offset: number
  }
  'batch.handled': {
    manifest: string
    topic: string
    partition: number
    messages: number
    bytes: number
    /** From the first until the last of them, waits for another attempt included. */
    durationMs: number
  }
  'attempt.failed': {
    manifest: string
    topic: string
    partition: number
    offset: number
    attempt: number
    retryInMs: number
    error: MessagingError
  }
  'message.rejected': {
    manifest: string
    topic: string
    partition: number
    offset: number
    attempts: number
    action: 'dead-letter' | 'skip' | 'stop'
    error: MessagingError
  }
  'message.deferred': {
    manifest: string
    topic: string
    partition: number
    offset: number
    attempts: number
    retryInMs: number
    /** Where it is until then; undefined where it waits in the process (`retryOrder: 'key'`). */
    retryTopic: string | undefined
    error: MessagingError
  }
  'message.deduplicated': { manifest: string; topic: string; partition: number; offset: number }
  'message.dead_lettered': {
    manifest: string
    topic: string
    partition: number
    offset: number
    deadLetterTopic: string
  }
  'event_loop.measured': {
    /** `main` or `worker`. */
    thread: string
    /** How late timers were since the last event, as are `p99Ms` and `maxMs`. */
    meanMs: number
    p99Ms: number
    maxMs: number
  }
  'endpoint.opened': {
    purpose: 'health' | 'control'
    /** `http://127.0.0.1:8080`, or the path of a socket. */
    address: string
  }
  'handler.blocked': { manifest: string; topic: string; partition: number; error: MessagingError; durationMs: number }
  'registry.closing': { pending: number }
  'registry.closed': { durationMs: number; unsettled: number }
}

export type EventName = keyof EventDetails

/**
 * What each event carries; `instance` tells the messaging instances of a process apart.
 * Durations are in milliseconds, sizes in bytes. No event carries a key, a payload or a secret.
 */
export type EventPayloads = {
  readonly [Name in EventName]: Readonly<EventDetails[Name]> & { readonly instance: string }
}

/** The one list of events: name -> meaning. Each is a `node:diagnostics_channel` named `postrider:<event>`. */
export const events: Readonly<Record<EventName, string>> = {
  'producer.built': 'The first send of a manifest built its producer.',
  'producer.build_failed': 'A producer could not be built; the next send tries again.',
  'client.connected': 'A driver client connected; producers of one profile share it.',
  'client.errored': 'A client reports trouble in the background (a broker down, a fatal error).',
  'client.closed': 'A client was closed; `unsettled` messages were given up.',
  'client.replaced': 'A new client is there for one that a fatal error ended.',
  'broker.measured': 'What a client saw of one broker, every `metrics.driverStatisticsMs`.',
  'message.encoded': 'A payload was encoded; told for the first message of a producer and every 16th after it.',
  'message.sent': 'The driver has taken a message, and it is on its way.',
  'message.acknowledged': 'The broker acknowledged a message.',
  'message.failed': 'A message failed for good; `dispatched` says that no caller waits for it.',
  'message.suppressed': 'A message was not sent because its manifest is disabled in this async context.',
  'transaction.committed': 'All messages of a transaction became visible.',
  'transaction.aborted': 'A transaction was aborted, because its function threw or something failed.',
  'schema.fetched': 'The schema with an id that a message names is known.',
  'schema.registered': 'The id of a manifest’s schema is known: it was found, or registered where that is allowed.',
  'schema_registry.errored': 'The schema registry or its cache on disk failed; what is known already is still used.',
  'consumer.started': 'A consumer has subscribed.',
  'consumer.stopped': 'A consumer has left its group.',
  'consumer.errored':
    'Trouble of a consumer in the background: the client, a commit that will be repeated, a dead letter that waits.',
  'consumer.replaced': 'A client of a consumer was of no more use, and another one takes its place.',
  'partition.assigned': 'A consumer was given a partition.',
  'partition.revoked': 'A consumer gave a partition back; what ran was ended or aborted, what was done is committed.',
  'partition.paused':
    'A partition, or the whole consumer, is held back: by a handler, an operator or the circuit breaker.',
  'partition.resumed': 'A pause is over.',
  'pause.measured': 'A partition, or the whole consumer, is held back, as seen every `consumer.lagIntervalMs`.',
  'partition.measured': 'How far a consumer is behind in one partition, every `consumer.lagIntervalMs`.',
  'offset.committed': 'The broker has taken an offset.',
  'batch.handled': 'Messages of one partition are done: a batch, or those that were handled in one go.',
  'attempt.failed': 'A handler failed, and the message is tried again.',
  'message.rejected': 'The attempts of a message are used up, or it cannot be decoded: `action` is done with it.',
  'message.deferred':
    'The attempts of a message that hold its partition are used up, and a later one is due in `retryInMs`.',
  'message.deduplicated': 'A message was left out, since one with its id was handled before.',
  'message.dead_lettered': 'The dead letter topic has a message.',
  'event_loop.measured':
    'How late the event loop was, every `metrics.eventLoopIntervalMs` while consumers run or metrics are on.',
  'endpoint.opened': 'Consumers can be asked, or steered, over HTTP at this address.',
  'handler.blocked': 'A handler kept the event loop for at least `consumer.blockedMs`.',
  'registry.closing': 'close() was called; new sends are refused from here on.',
  'registry.closed': 'Everything is settled and closed.',
}

/** Channels by event. Publishers check `hasSubscribers` first, so that an event nobody hears costs one property read. */
export const channels = Object.fromEntries(
  Object.keys(events).map((name) => [name, channel(`postrider:${name}`)]),
) as unknown as { readonly [Name in EventName]: Channel<unknown, EventPayloads[Name]> }

/**
 * Calls `listener` for every `name` event in this process until the returned function is called.
 * A listener that throws or rejects does not disturb the sender: the error becomes a process warning, once per listener.
 */
export function subscribe<Name extends EventName>(
  name: Name,
  listener: (payload: EventPayloads[Name]) => void,
): () => void {
  const warn = createWarning(
    (error) => `A listener of postrider:${name} threw: ${process.getBuiltinModule('node:util').inspect(error)}`,
  )
  const guarded = (payload: unknown): void => {
    try {
      const returned: unknown = listener(payload as EventPayloads[Name])
      // An async function fits the type too; its rejection would end the process.
      if (returned instanceof Promise) returned.catch(warn)
    } catch (error) {
      warn(error)
    }
  }
  const target = channels[name]
  target.subscribe(guarded)
  return () => {
    target.unsubscribe(guarded)
  }
}
