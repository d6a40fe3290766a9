import type { monitorEventLoopDelay } from 'node:perf_hooks'
import { channels } from './events.ts'

const resolutionMs = 20
const nanosecondsPerMs = 1e6

/** Measures how late the event loop of this thread gets to its timers, for as long as somebody wants to know. Holds no process. */
export class EventLoopWatch {
  readonly #instance: () => string
  #users = 0
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param instance the messaging instance that the events name */
  constructor(instance: () => string) {
    this.#instance = instance
  }

  /** Tells `event_loop.measured` every `intervalMs` (0: never) until the returned function is called, by all who started it. */
  start(intervalMs: number): () => void {
    if (intervalMs === 0) return () => undefined
    if (this.#users++ === 0) this.#begin(intervalMs)
    let isStopped = false
    return () => {
      if (!isStopped && --this.#users === 0) this.#end()
      isStopped = true
    }
  }

  #begin(intervalMs: number): void {
    // Not at import, since it must not be in a snapshot.
    const { monitorEventLoopDelay: monitor } = process.getBuiltinModule('node:perf_hooks')
    const { isMainThread } = process.getBuiltinModule('node:worker_threads')
    const thread = isMainThread ? 'main' : 'worker'
    const histogram = monitor({ resolution: resolutionMs })
    histogram.enable()
    this.#histogram = histogram
    this.#timer = setInterval(() => {
      const channel = channels['event_loop.measured']
      if (histogram.count > 0 && channel.hasSubscribers) {
        const [meanMs, p99Ms, maxMs] = [histogram.mean, histogram.percentile(99), histogram.max].map(delayOf) as [
          number,
          number,
          number,
        ]
        channel.publish({ instance: this.#instance(), thread, meanMs, p99Ms, maxMs })
      }
      histogram.reset()
    }, intervalMs).unref()
  }

  #end(): void {
    clearInterval(this.#timer)
    this.#histogram?.disable()
    this.#histogram = undefined
  }
}

/** What is recorded is the time between two ticks: without delay that is the resolution. */
function delayOf(nanoseconds: number): number {
  return Math.max(0, nanoseconds / nanosecondsPerMs - resolutionMs)
}
