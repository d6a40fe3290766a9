import type { MetricsReader } from '../../instrumentation/instance-metrics.ts'
import type { ConsumersHealth } from '../consumers-health.ts'
import type { Answer, Routes } from './http-endpoint.ts'

/** What probes and Prometheus ask for. Nothing in it is a key, a payload or a secret. */
export function createHealthRoutes(health: () => ConsumersHealth, metrics: MetricsReader): Routes {
  const probe = (isFine: boolean, body: object): Answer => ({ status: isFine ? 200 : 503, body })
  return {
    '/health': {
      GET: () => {
        const all = health()
        return probe(all.isAlive && all.isReady, all)
      },
    },
    '/health/live': {
      GET: () => {
        const { state, isAlive, problems } = health()
        return probe(isAlive, { state, isAlive, problems })
      },
    },
    '/health/ready': {
      GET: () => {
        const { state, isReady, problems } = health()
        return probe(isReady, { state, isReady, problems })
      },
    },
    '/metrics': {
      GET: () =>
        metrics.isCounting
          ? { status: 200, body: metrics.prometheus() }
          : {
              status: 404,
              body: { message: 'Nothing is counted: metrics.enabled is not set, or nothing was started.' },
            },
    },
  }
}
