import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'

export interface Patience {
  readonly cluster: Pick<Cluster, 'failureOf'>
  readonly timeoutMs: number
  /** Nobody wants it any more. */
  readonly signal: AbortSignal
}

const tryAgainMs = 100
/** What brokers that start, or that learn who leads and coordinates, answer; and what a topic does that was just created. */
const mayPass: ReadonlySet<string> = new Set([
  'BROKERS_UNREACHABLE',
  'BROKER_UNAVAILABLE',
  'REQUEST_TIMED_OUT',
  'TOPIC_NOT_FOUND',
])

/** Tries again what may pass, for so long. */
export async function withPatience<Value>(
  { cluster, timeoutMs, signal }: Patience,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const isOver = signal.aborted || performance.now() + tryAgainMs >= deadline
      if (isOver || !mayPass.has(cluster.failureOf(error).code)) throw error
      await delay(tryAgainMs)
    }
  }
}
