// node benchmarks/observability.mjs [rounds] [messages]: what everything on costs. 100 callers, each awaiting its send, over librdkafka's
// mock cluster: plain bytes with nothing on, against Avro with metrics to statsd and traces of 1 in 100 sends. The two take turns in
// one process, so that both see the same machine. Shows messages per second and the ratio by round.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { createMessaging, ProducerManifest } from '../src/index.ts'
import { startMockCluster } from '../src/testing.ts'

const [rounds = 9, messages = 100_000] = process.argv.slice(2).map(Number)
const callers = 100
const warmUp = 20_000

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
  Avro: { Manifest: Order, payload: order, options: { schemaRegistry } },
  'Avro, statsd': { Manifest: Order, payload: order, options: { schemaRegistry, metrics: { statsd } } },
  'Avro, statsd, traces of 1%': {
    Manifest: Order,
    payload: order,
    options: { schemaRegistry, metrics: { statsd }, tracing: { manifests: ['Order'], sampleRate: 0.01 } },
  },
}

/** Messages per second. */
async function measure({ Manifest, payload, options }) {
  const messaging = createMessaging({ brokers: cluster.brokers, ...options }, {})
  const send = async (count) => {
    let left = count
    const caller = async () => {
      while (left-- > 0) await messaging.registry.send(Manifest, payload)
    }
    await Promise.all(Array.from({ length: callers }, caller))
  }
  await send(warmUp)
  const startedAt = performance.now()
  await send(messages)
  const seconds = (performance.now() - startedAt) / 1000
  await messaging.close()
  return messages / seconds
}

const names = Object.keys(variants)
const results = Object.fromEntries(names.map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  // Who goes first changes, since the first of a round may find the machine in another state.
  for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await measure(variants[name]))
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
for (const name of names) {
  const rates = results[name]
  const ratios = rates.map((rate, round) => rate / results[names[0]][round])
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  process.stdout.write(
    `${name.padEnd(28)} ${Math.round(median(rates))} msg/s, ${median(ratios).toFixed(2)}x (${spread})\n`,
  )
}
process.stdout.write(`${exporter.getFinishedSpans().length} spans\n`)
await cluster.close()
sink.close()
