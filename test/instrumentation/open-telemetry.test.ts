import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CBaggagePropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { extractTraceContext } from '../../src/instrumentation/trace-context.ts'
import { messagingInMemory, order, OrderPaid, OrderPlaced } from '../registry/manifests.ts'

const exporter = new InMemorySpanExporter()
const processor = new SimpleSpanProcessor(exporter)
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const application = trace.getTracer('application')

beforeEach(() => exporter.reset())
afterEach(() => propagation.disable())

describe('a traced send', () => {
  test('is a producer span by the conventions, child of what is active, and its context is in the headers', async () => {
    const messaging = await traced()
    const parent = application.startSpan('handle request')
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () =>
      messaging.registry.send(OrderPlaced, order, { partition: 0, headers: { source: 'web' } }),
    )
    const [span] = exporter.getFinishedSpans()
    expect(span).toMatchObject({
      name: 'send orders.placed',
      kind: SpanKind.PRODUCER,
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: { spanId: parent.spanContext().spanId },
    })
    expect(span!.attributes).toEqual({
      'messaging.system.name': 'kafka',
      'messaging.system': 'kafka',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders.placed',
      'messaging.destination.partition.id': '0',
      'kafka.offset': 0,
      'postrider.manifest': 'OrderPlaced',
    })
    const { headers } = messaging.driver.records()[0]!
    expect(headers[0]![0]).toBe('source')
    expect(extractTraceContext(headers)).toEqual({
      traceId: parent.spanContext().traceId,
      spanId: span!.spanContext().spanId,
      traceFlags: 1,
      isRemote: true,
      tracestate: undefined,
    })
  })

  test('has attributes and values of the conventions only, besides the manifest', async () => {
    const messaging = await traced()
    await messaging.registry.tombstone(OrderPlaced, 'key')
    await messaging.registry.sendMany(OrderPlaced, [order])
    messaging.registry.dispatch(OrderPlaced, undefined as never)
    const names = exporter.getFinishedSpans().flatMap(({ attributes }) => Object.keys(attributes))
    expect([...new Set(names)].sort()).toEqual(
      [
        conventions.ATTR_ERROR_TYPE,
        conventions.ATTR_KAFKA_MESSAGE_TOMBSTONE,
        conventions.ATTR_KAFKA_OFFSET,
        conventions.ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
        conventions.ATTR_MESSAGING_DESTINATION_NAME,
        conventions.ATTR_MESSAGING_DESTINATION_PARTITION_ID,
        conventions.ATTR_MESSAGING_OPERATION_NAME,
        conventions.ATTR_MESSAGING_OPERATION_TYPE,
        conventions.ATTR_MESSAGING_SYSTEM_NAME,
        'messaging.system',
        'postrider.manifest',
      ].sort(),
    )
    expect(exporter.getFinishedSpans()[0]!.attributes).toMatchObject({
      [conventions.ATTR_MESSAGING_SYSTEM_NAME]: conventions.MESSAGING_SYSTEM_NAME_VALUE_KAFKA,
      [conventions.ATTR_MESSAGING_OPERATION_TYPE]: conventions.MESSAGING_OPERATION_TYPE_VALUE_SEND,
    })
  })

  test('ends at the acknowledgement, not before', async () => {
    const messaging = await traced()
    await messaging.registry.send(OrderPlaced, order)
    const release = messaging.driver.hold()
    const sent = messaging.registry.send(OrderPlaced, order)
    expect(exporter.getFinishedSpans()).toHaveLength(1)
    release()
    await sent
    expect(exporter.getFinishedSpans()).toHaveLength(2)
  })

  test('ends at a failure, with its code', async () => {
    const messaging = await traced()
    messaging.driver.failWhen(() => ({ code: 'NOT_ENOUGH_REPLICAS', reason: 'gone' }))
    messaging.registry.dispatch(OrderPlaced, order)
    messaging.registry.dispatch(OrderPlaced, undefined as never)
    await messaging.registry.flush()
    const found = exporter.getFinishedSpans().map(({ attributes, status }) => [attributes['error.type'], status.code])
    expect(found).toEqual([
      ['PAYLOAD_INVALID', SpanStatusCode.ERROR],
      ['NOT_ENOUGH_REPLICAS', SpanStatusCode.ERROR],
    ])
  })

  test('is marked as tombstone, and never names the key', async () => {
    const messaging = await traced()
    await messaging.registry.tombstone(OrderPlaced, 'c4n4ry')
    const [span] = exporter.getFinishedSpans()
    expect(span!.attributes['kafka.message.tombstone']).toBe(true)
    expect(JSON.stringify([span!.name, span!.attributes, span!.events])).not.toContain('c4n4ry')
  })

  test('each first send is a child of its own caller, also where one build serves several', async () => {
    const messaging = await traced()
    const parents = ['first', 'second'].map((name) => application.startSpan(name))
    await Promise.all(
      parents.map((parent) =>
        context.with(trace.setSpan(ROOT_CONTEXT, parent), () => messaging.registry.send(OrderPlaced, order)),
      ),
    )
    const found = exporter.getFinishedSpans().map(({ parentSpanContext }) => parentSpanContext?.spanId)
    expect(found).toEqual(parents.map((parent) => parent.spanContext().spanId))
  })

  test('that brings a trace context of its own keeps it, and its span links to it', async () => {
    const messaging = await traced()
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await messaging.registry.send(OrderPlaced, order, { headers: { traceparent } })
    expect(messaging.driver.records()[0]!.headers.map(([, value]) => String(value))).toEqual([traceparent])
    expect(exporter.getFinishedSpans()[0]!.links[0]!.context.spanId).toBe('00f067aa0ba902b7')
  })

  test('that has no room for the headers goes without them', async () => {
    const messaging = await traced({ producer: { maxMessageBytes: 40 } })
    await messaging.registry.send(OrderPlaced, order)
    expect(messaging.driver.records()[0]!.headers).toEqual([])
    expect(exporter.getFinishedSpans()).toHaveLength(1)
  })

  test('propagates by what the application has registered as well', async () => {
    propagation.setGlobalPropagator(new W3CBaggagePropagator())
    const messaging = await traced()
    const baggage = propagation.createBaggage({ tenant: { value: 'a' } })
    await context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () => messaging.registry.send(OrderPlaced, order))
    expect(messaging.driver.records()[0]!.headers.map(([name]) => name)).toEqual(['baggage', 'traceparent'])
  })
})

describe('sendMany', () => {
  test('is one span, whose context all its messages carry', async () => {
    const messaging = await traced()
    messaging.driver.failWhen(({ value }) =>
      value?.includes('bad') ? { code: 'BROKER_REJECTED', reason: 'no' } : undefined,
    )
    const orders = ['1', 'bad', '2'].map((id) => ({ id, total: 1 }))
    await expect(messaging.registry.sendMany(OrderPlaced, orders)).rejects.toThrow('1 of 3')
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ attributes }) => attributes)).toMatchObject([
      { 'messaging.batch.message_count': 3, 'error.type': 'BROKER_REJECTED' },
    ])
    expect(spans[0]!.attributes).not.toHaveProperty('kafka.offset')
    const carried = messaging.driver.records().map(({ headers }) => extractTraceContext(headers)?.spanId)
    expect(carried).toEqual(Array(2).fill(spans[0]!.spanContext().spanId))
  })
})

describe('sampling', () => {
  test('a message that gets no span still carries on the trace it is sent in', async () => {
    const messaging = await traced({ tracing: { manifests: ['OrderPlaced'], sampleRate: 0 } })
    await messaging.registry.send(OrderPlaced, order)
    const parent = application.startSpan('handle request')
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), () => messaging.registry.send(OrderPlaced, order))
    expect(exporter.getFinishedSpans()).toEqual([])
    const carried = messaging.driver.records().map(({ headers }) => extractTraceContext(headers)?.spanId)
    expect(carried).toEqual([undefined, parent.spanContext().spanId])
  })

  test('takes all messages of a trace or none, and about as many as asked', async () => {
    const messaging = await traced({ tracing: { manifests: ['*'], sampleRate: 0.3 } })
    for (let count = 0; count < 400; count++) {
      const parent = application.startSpan('handle request')
      const inside = trace.setSpan(ROOT_CONTEXT, parent)
      const send = () => context.with(inside, () => messaging.registry.send(OrderPlaced, order))
      await Promise.all([send(), send()])
    }
    const counts = new Map<string, number>()
    for (const span of exporter.getFinishedSpans()) {
      const { traceId } = span.spanContext()
      counts.set(traceId, (counts.get(traceId) ?? 0) + 1)
    }
    expect(new Set(counts.values())).toEqual(new Set([2]))
    expect(counts.size).toBeGreaterThan(60)
    expect(counts.size).toBeLessThan(180)
  })
})

test('switched at run time, without a restart', async () => {
  const messaging = await traced({ tracing: {} })
  await messaging.registry.send(OrderPlaced, order)
  expect(exporter.getFinishedSpans()).toEqual([])
  await messaging.tracing.enable('OrderPlaced', { sampleRate: 1 })
  await messaging.registry.send(OrderPlaced, order)
  await messaging.registry.send(OrderPaid, order)
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['send orders.placed'])
  messaging.tracing.disable('OrderPlaced')
  await messaging.registry.send(OrderPlaced, order)
  expect(exporter.getFinishedSpans()).toHaveLength(1)
})

test('what the SDK throws does not reach a send, and is a warning once', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const broken = vi.spyOn(processor, 'onEnd').mockImplementation(() => {
    throw new Error('broken processor')
  })
  onTestFinished(() => {
    warned.mockRestore()
    broken.mockRestore()
  })
  const messaging = await traced()
  await messaging.registry.send(OrderPlaced, order)
  await messaging.registry.send(OrderPlaced, order)
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('broken processor'), 'PostriderWarning')
})

async function traced(options: Parameters<typeof messagingInMemory>[0] = {}) {
  const messaging = messagingInMemory({ tracing: { manifests: ['OrderPlaced'] }, ...options })
  onTestFinished(() => messaging.close())
  return Promise.resolve(messaging)
}
