import type { MessagingConfig } from '../../config/fields.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import { channels } from '../../instrumentation/events.ts'
import type { MetricsReader } from '../../instrumentation/instance-metrics.ts'
import type { ControlledConsumers } from './control-routes.ts'
import type { Endpoint, Place, Routes } from './http-endpoint.ts'

export interface HealthPlace {
  /** 0: any that is free. */
  readonly port: number
  /** Default `127.0.0.1`. */
  readonly host?: string
}

export interface EndpointsParts {
  readonly instance: () => string
  readonly consumers: ControlledConsumers
  readonly metrics: MetricsReader
}

type Purpose = 'health' | 'control'

/** What answers over HTTP about the consumers of one instance. Nothing is loaded before one is asked for. */
export class Endpoints {
  readonly #parts: EndpointsParts
  readonly #endpoints = new Set<Promise<Endpoint>>()
  #configured: Promise<unknown> | undefined
  #isClosed = false

  constructor(parts: EndpointsParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#endpoints.size === 0
  }

  /** @throws LISTEN_FAILED, CONSUMER_STOPPED */
  serveHealth({ port, host = '127.0.0.1' }: HealthPlace): Promise<Endpoint> {
    return this.#open('health', { host, port })
  }

  /** @throws LISTEN_FAILED, CONSUMER_STOPPED */
  serveControl(socketPath: string): Promise<Endpoint> {
    return this.#open('control', { socketPath })
  }

  /** Those that configuration names, once. @throws LISTEN_FAILED, CONSUMER_STOPPED */
  async openConfigured({ health: { host, port }, controlSocket }: MessagingConfig): Promise<void> {
    this.#configured ??= Promise.all([
      ...(port === undefined ? [] : [this.serveHealth({ host, port })]),
      ...(controlSocket === undefined ? [] : [this.serveControl(controlSocket)]),
    ])
    try {
      await this.#configured
    } catch (error) {
      this.#configured = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const opened = await Promise.allSettled(this.#endpoints)
    for (const each of opened) if (each.status === 'fulfilled') await each.value.close()
  }

  async #open(purpose: Purpose, place: Place): Promise<Endpoint> {
    if (this.#isClosed) throw new MessagingError('CONSUMER_STOPPED', { manifest: `its ${purpose} endpoint` })
    const opening = this.#listen(purpose, place)
    this.#endpoints.add(opening)
    try {
      const endpoint = await opening
      const { address } = endpoint
      const channel = channels['endpoint.opened']
      if (channel.hasSubscribers) channel.publish({ instance: this.#parts.instance(), purpose, address })
      return endpoint
    } catch (error) {
      this.#endpoints.delete(opening)
      throw error
    }
  }

  async #listen(purpose: Purpose, place: Place): Promise<Endpoint> {
    const [{ openEndpoint }, { createHealthRoutes }, { createControlRoutes }] = await Promise.all([
      import('./http-endpoint.ts'),
      import('./health-routes.ts'),
      import('./control-routes.ts'),
    ])
    const { consumers, metrics } = this.#parts
    const healthRoutes = createHealthRoutes(() => consumers.health(), metrics)
    const routes: Routes = purpose === 'health' ? healthRoutes : { ...healthRoutes, ...createControlRoutes(consumers) }
    return openEndpoint(routes, place)
  }
}
