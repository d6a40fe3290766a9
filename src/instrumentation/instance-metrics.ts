import type { Instrument } from './instrument.ts'
import { MetricsAggregator } from './metrics-aggregator.ts'
import type { ClientLoad } from './metrics.ts'
import { renderPrometheus } from './prometheus-text.ts'
import { StatsdInstrument, type StatsdOptions } from './statsd-instrument.ts'

export interface MetricsOptions {
  readonly enabled: boolean
  readonly statsd: StatsdOptions
}

/** What can be read of the metrics of one messaging instance. */
export interface MetricsReader {
  /**
   * Everything counted since the first send, in Prometheus' text exposition format; its content type is
   * `text/plain; version=0.0.4`. Only a comment before the first send, and while metrics are off (`metrics.enabled`).
   */
  prometheus(): string
}

/** The metrics of one messaging instance, on or off. */
export class InstanceMetrics implements MetricsReader {
  readonly #clients: () => readonly ClientLoad[]
  #aggregator: MetricsAggregator | undefined

  constructor(clients: () => readonly ClientLoad[]) {
    this.#clients = clients
  }

  /** Starts to count if `enabled`, or if there is a statsd to tell. */
  start({ enabled, statsd }: MetricsOptions, instance: string): Instrument | undefined {
    const hasStatsd = statsd.host !== undefined || statsd.socketPath !== undefined
    if (!enabled && !hasStatsd) return undefined
    this.#aggregator = new MetricsAggregator({ instance, clients: this.#clients })
    return hasStatsd ? new StatsdInstrument(this.#aggregator, statsd) : this.#aggregator
  }

  prometheus(): string {
    if (this.#aggregator === undefined)
      return '# Nothing is counted: no message was sent yet, or metrics.enabled is not set.\n'
    return renderPrometheus(this.#aggregator)
  }
}
