import type { Instrument } from './instrument.ts'
import type { MessageMeter } from './message-meter.ts'
import { MetricsAggregator } from './metrics-aggregator.ts'
import type { ClientLoad } from './metrics.ts'
import { renderPrometheus } from './prometheus-text.ts'
import type { StatsdOptions } from './statsd-instrument.ts'

export interface MetricsOptions {
  readonly enabled: boolean
  /** For the drivers; 0: they tell nothing. */
  readonly driverStatisticsMs: number
  readonly statsd: StatsdOptions
}

/** What can be read of the metrics of one messaging instance. */
export interface MetricsReader {
  /** Whether anything is counted: metrics are on, and something was sent or consumers were started. */
  readonly isCounting: boolean
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
  start(options: MetricsOptions, instance: string): Instrument | undefined {
    if (!isCounting(options)) return undefined
    const { statsd } = options
    const toStatsd = hasStatsd(statsd)
    const sampleRate = toStatsd ? statsd.sampleRate : 0
    const aggregator = new MetricsAggregator({ instance, clients: this.#clients, sampleRate })
    this.#aggregator = aggregator
    if (!toStatsd) return aggregator
    // In the background: what is counted until it is there goes out with the first flush.
    const loaded = import('./statsd-instrument.ts').then((module) => new module.StatsdInstrument(aggregator, statsd))
    return { close: async () => (await loaded).close() }
  }

  /** What a producer tells of each message; undefined where nothing is counted. */
  meterOf(manifest: string, topic: string): MessageMeter | undefined {
    return this.#aggregator?.meterOf(manifest, topic)
  }

  get isCounting(): boolean {
    return this.#aggregator !== undefined
  }

  prometheus(): string {
    if (this.#aggregator === undefined)
      return '# Nothing is counted: no message was sent yet, or metrics.enabled is not set.\n'
    return renderPrometheus(this.#aggregator)
  }
}

/** Whether anybody wants to know. */
export function isCounting({ enabled, statsd }: MetricsOptions): boolean {
  return enabled || hasStatsd(statsd)
}

function hasStatsd({ host, socketPath }: StatsdOptions): boolean {
  return host !== undefined || socketPath !== undefined
}
