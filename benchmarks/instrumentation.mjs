// node benchmarks/instrumentation.mjs [rounds] [messages]: what metrics cost. 100 callers, each awaiting its send, over librdkafka's mock
// cluster; off and on take turns in one process, so that both see the same machine. Shows messages per second and the ratio by round.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createMessaging, ProducerManifest } from '../src/index.ts'
import { startMockCluster } from '../src/testing.ts'
import { measureSends, takeTurns } from './take-turns.mjs'

const [rounds = 7, messages = 100_000] = process.argv.slice(2).map(Number)

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

await takeTurns(variants, rounds, (metrics) => {
  const messaging = createMessaging({ brokers: cluster.brokers, metrics }, {})
  return measureSends(messaging, Measured, payload, { callers: 100, warmUp: 20_000, messages })
})
await cluster.close()
sink.close()
