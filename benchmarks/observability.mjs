// node benchmarks/observability.mjs [rounds] [messages]: what everything on costs. 100 callers, each awaiting its send, over librdkafka's
// mock cluster: plain bytes with nothing on, against Avro with metrics to statsd and traces of 1 in 100 sends. How they
// take turns, and what is shown: take-turns.mjs.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { createMessaging, ProducerManifest } from '../src/index.ts'
import { startMockCluster } from '../src/testing.ts'
import { takeTurns } from './take-turns.mjs'

const [rounds = 100, messages = 5_000] = process.argv.slice(2).map(Number)

class Order extends ProducerManifest {
  topic = 'orders'
  schema = {
    type: 'record',
    name: 'Order',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'customer', type: 'string' },
      { name: 'total', type: 'long' },
      { name: 'currency', type: 'string' },
      {
        name: 'lines',
        type: {
          type: 'array',
          items: {
            type: 'record',
            name: 'Line',
            fields: [
              { name: 'sku', type: 'string' },
              { name: 'quantity', type: 'int' },
              { name: 'price', type: 'long' },
            ],
          },
        },
      },
      { name: 'note', type: ['null', 'string'] },
    ],
  }
  key(order) {
    return order.id
  }
}

class Bytes extends ProducerManifest {
  topic = 'bytes'
  codec = 'bytes'
  key() {
    return order.id
  }
}

const order = {
  id: 'order-4711',
  customer: 'customer-0815',
  total: 19_990,
  currency: 'EUR',
  lines: Array.from({ length: 4 }, (_, index) => ({ sku: `sku-${index}-abcdef`, quantity: index + 1, price: 1_999 })),
  note: 'leave it with the neighbours',
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }))
const sink = createSocket('udp4').bind(0, '127.0.0.1')
await once(sink, 'listening')
const cluster = await startMockCluster()
const schemaRegistry = { url: 'memory:' }
const statsd = { host: '127.0.0.1', port: sink.address().port, flushIntervalMs: 1000 }
const encoded = Buffer.alloc(150, 'x')

const variants = {
  'bytes, nothing on': { Manifest: Bytes, payload: encoded, options: {} },
  'bytes, statsd': { Manifest: Bytes, payload: encoded, options: { metrics: { statsd } } },
  Avro: { Manifest: Order, payload: order, options: { schemaRegistry } },
  'Avro, statsd': { Manifest: Order, payload: order, options: { schemaRegistry, metrics: { statsd } } },
  'Avro, statsd, traces of 1%': {
    Manifest: Order,
    payload: order,
    options: { schemaRegistry, metrics: { statsd }, tracing: { manifests: ['Order'], sampleRate: 0.01 } },
  },
}

let spans = 0
const countSpans = () => {
  spans += exporter.getFinishedSpans().length
  exporter.reset()
}
const counting = setInterval(countSpans, 1000)
await takeTurns(
  Object.fromEntries(
    Object.entries(variants).map(([name, { Manifest, payload, options }]) => {
      const messaging = createMessaging({ brokers: cluster.brokers, ...options }, {})
      return [name, { send: () => messaging.registry.send(Manifest, payload), close: () => messaging.close() }]
    }),
  ),
  rounds,
  messages,
)
clearInterval(counting)
countSpans()
process.stdout.write(`${spans} spans\n`)
await cluster.close()
sink.close()
