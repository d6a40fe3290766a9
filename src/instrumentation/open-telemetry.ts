import type * as OpenTelemetry from '@opentelemetry/api'
import type { MessagingError } from '../errors/messaging-error.ts'
import type { BeginTrace, MessageTrace, SentMessage } from './message-trace.ts'
import {
  extractTraceContext,
  formatTraceparent,
  traceparentHeader,
  tracestateHeader,
  type TraceHeader,
} from './trace-context.ts'
import { createWarning, reasonOf } from './warn-once.ts'

type Api = typeof OpenTelemetry

/**
 * Spans by OpenTelemetry’s API, named as its conventions for messaging and Kafka ask. The SDK behind it is the application’s;
 * without one, what is active is still propagated and no span is made.
 */
export async function loadOpenTelemetry(): Promise<BeginTrace> {
  const api = await import('@opentelemetry/api')
  const tracer = api.trace.getTracer('postrider')
  const { context, trace } = api
  // What the SDK of the application throws must not reach a send.
  const warn = createWarning((error) => `Tracing failed, further failures are not shown: ${reasonOf(error)}`)
  return (message, sampleRate) => {
    try {
      const active = context.active()
      const parent = active === api.ROOT_CONTEXT ? undefined : trace.getSpanContext(active)
      const traceId = parent && api.isSpanContextValid(parent) ? parent.traceId : undefined
      if (!isSampled(sampleRate, traceId)) {
        // Without a span of its own, the message still belongs to the trace it is sent in.
        return traceId === undefined ? undefined : new OpenTelemetryTrace(api, warn, message, active, undefined)
      }
      const options = { kind: api.SpanKind.PRODUCER, attributes: attributesOf(message) }
      const span = tracer.startSpan(`send ${message.topic}`, options, active)
      return new OpenTelemetryTrace(api, warn, message, trace.setSpan(active, span), span)
    } catch (error) {
      warn(error)
      return undefined
    }
  }
}

class OpenTelemetryTrace implements MessageTrace {
  readonly #api: Api
  readonly #warn: (error: unknown) => void
  readonly #context: OpenTelemetry.Context
  readonly #span: OpenTelemetry.Span | undefined
  readonly #isBatch: boolean
  #open: number
  #failed = false
  #injected: readonly TraceHeader[] | undefined

  constructor(
    api: Api,
    warn: (error: unknown) => void,
    { count }: SentMessage,
    context: OpenTelemetry.Context,
    span: OpenTelemetry.Span | undefined,
  ) {
    this.#api = api
    this.#warn = warn
    this.#context = context
    this.#span = span
    this.#isBatch = count !== undefined
    this.#open = count ?? 1
  }

  headers(given: readonly TraceHeader[] | undefined): readonly TraceHeader[] | undefined {
    try {
      if (given?.some(([name]) => name === traceparentHeader)) {
        // Made elsewhere, e.g. where the message was stored before: that context stays, and the span points to it.
        const created = extractTraceContext(given)
        if (created) this.#span?.addLink({ context: created })
        return given
      }
      this.#injected ??= this.#inject()
      if (this.#injected.length === 0) return given
      return given === undefined ? this.#injected : [...given, ...this.#injected]
    } catch (error) {
      this.#warn(error)
      return given
    }
  }

  acknowledged(partition: number, offset: number): void {
    if (this.#span && !this.#isBatch) {
      if (partition >= 0) this.#set('messaging.destination.partition.id', String(partition))
      if (offset >= 0) this.#set('kafka.offset', offset)
    }
    this.#settle()
  }

  failed(error: MessagingError): void {
    // Of a batch, the first failure names the span.
    if (this.#span && !this.#failed) {
      this.#failed = true
      this.#set('error.type', error.code)
      try {
        this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.message })
      } catch (thrown) {
        this.#warn(thrown)
      }
    }
    this.#settle()
  }

  #inject(): readonly TraceHeader[] {
    const { propagation, trace, isSpanContextValid } = this.#api
    const carrier: Record<string, string> = {}
    propagation.inject(this.#context, carrier)
    const own = trace.getSpanContext(this.#context)
    // By hand where the application has registered no propagator, or another one than W3C’s.
    if (carrier[traceparentHeader] === undefined && own && isSpanContextValid(own)) {
      carrier[traceparentHeader] = formatTraceparent(own)
      const state = own.traceState?.serialize()
      if (state !== undefined && state !== '') carrier[tracestateHeader] = state
    }
    return Object.entries(carrier).map(([name, value]) => [name, Buffer.from(value)])
  }

  #set(name: string, value: string | number): void {
    try {
      this.#span?.setAttribute(name, value)
    } catch (error) {
      this.#warn(error)
    }
  }

  #settle(): void {
    if (--this.#open > 0) return
    try {
      this.#span?.end()
    } catch (error) {
      this.#warn(error)
    }
  }
}

/** The key is not among them: keys are often personal data. */
function attributesOf({ manifest, topic, isTombstone, count }: SentMessage): Record<string, string | number | boolean> {
  return {
    'messaging.system.name': 'kafka',
    // Its name until version 1.44 of the conventions, which most backends still look for.
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'postrider.manifest': manifest,
    ...(isTombstone ? { 'kafka.message.tombstone': true } : {}),
    ...(count === undefined ? {} : { 'messaging.batch.message_count': count }),
  }
}

/** By the trace where there is one, so that its messages are traced all or none; else by chance. */
function isSampled(rate: number, traceId: string | undefined): boolean {
  if (rate >= 1) return true
  // The last digits: W3C asks for randomness there.
  const draw = traceId === undefined ? Math.random() : Number.parseInt(traceId.slice(-8), 16) / 2 ** 32
  return draw < rate
}
