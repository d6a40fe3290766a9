// node benchmarks/instrumentation.mjs [rounds] [messages]: what metrics cost. 100 callers, each awaiting its send, over librdkafka's mock
// cluster; off and on take turns in one process, so that both see the same machine. Shows messages per second and the ratio by round.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createMessaging, ProducerManifest } from '../src/index.ts'
import { startMockCluster } from '../src/testing.ts'

const [rounds = 7, messages = 100_000] = process.argv.slice(2).map(Number)
const callers = 100
const warmUp = 20_000

class Measured extends ProducerManifest {
  topic = 'measured'
  codec = 'bytes'
}

const sink = createSocket('udp4').bind(0, '127.0.0.1')
await once(sink, 'listening')
const cluster = await startMockCluster()
const payload = Buffer.alloc(100, 'x')

const variants = {
  off: {},
  counted: { enabled: true },
  statsd: { statsd: { host: '127.0.0.1', port: sink.address().port, flushIntervalMs: 1000 } },
}

/** Messages per second. */
async function measure(metrics) {
  const messaging = createMessaging({ brokers: cluster.brokers, metrics }, {})
  const send = async (count) => {
    let left = count
    const caller = async () => {
      while (left-- > 0) await messaging.registry.send(Measured, payload)
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

const results = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  // Who goes first changes, since the first of a round may find the machine in another state.
  const names = Object.keys(variants)
  for (const name of round % 2 === 0 ? names : names.toReversed()) {
    results[name].push(await measure(variants[name]))
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
for (const [name, rates] of Object.entries(results)) {
  const ratios = rates.map((rate, round) => rate / results.off[round])
  const shown = ratios.map((ratio) => ratio.toFixed(2))
  process.stdout.write(
    `${name.padEnd(8)} ${Math.round(median(rates))} msg/s, ${median(ratios).toFixed(2)}x of off (${shown.join(' ')})\n`,
  )
}
await cluster.close()
sink.close()
