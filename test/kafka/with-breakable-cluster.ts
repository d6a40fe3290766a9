import { afterAll, beforeAll } from 'vitest'
import { startBreakingProxy, type BreakingProxy } from './breaking-proxy.ts'
import { startKafka, type KafkaCluster, type KafkaOptions } from './kafka-cluster.ts'
import { startKafkaTools, type KafkaTools } from './kafka-tools.ts'

/** Three brokers for all tests of a `describe`, each behind a proxy at `proxyBootstrap` too; they are there once the tests run. */
export function withBreakableCluster(options: Pick<KafkaOptions, 'sasl'> = {}): {
  readonly kafka: KafkaCluster
  readonly tools: KafkaTools
  readonly proxies: readonly BreakingProxy[]
  /** How many connections all proxies have cut. */
  readonly cuts: number
} {
  let kafka: KafkaCluster
  let tools: KafkaTools
  const proxies: BreakingProxy[] = []
  beforeAll(async () => {
    kafka = await startKafka({
      ...options,
      brokers: 3,
      config: { 'min.insync.replicas': 2 },
      async proxy(target) {
        const proxy = await startBreakingProxy(target)
        proxies.push(proxy)
        return proxy.port
      },
    })
    tools = await startKafkaTools(kafka.bootstrap)
  })
  afterAll(async () => {
    await tools.close()
    await kafka.close()
    await Promise.all(proxies.map((proxy) => proxy.close()))
  })
  return {
    get kafka() {
      return kafka
    },
    get tools() {
      return tools
    },
    proxies,
    get cuts() {
      return proxies.reduce((sum, proxy) => sum + proxy.cuts, 0)
    },
  }
}
