import type { Socket } from 'node:net'
import type { StatsD } from 'hot-shots'
import { withinTime } from '../timing/within-time.ts'
import type { Instrument } from './instrument.ts'
import type { MetricsAggregator } from './metrics-aggregator.ts'
import { takeStatsdSamples, type StatsdSample } from './statsd-samples.ts'
import { createWarning, reasonOf } from './warn-once.ts'

export interface StatsdOptions {
  readonly host: string | undefined
  readonly port: number
  readonly socketPath: string | undefined
  readonly protocol: 'udp' | 'tcp' | 'unix' | 'unix-stream' | undefined
  readonly format: 'dogstatsd' | 'plain'
  readonly prefix: string
  readonly tags: readonly string[] | undefined
  readonly sampleRate: number
  readonly flushIntervalMs: number
}

/** Fits one Ethernet frame with room for headers; a larger datagram may be dropped as a whole. */
const maxDatagramBytes = 1400
const maxStreamBytes = 8192
/** Also bounds what close() waits for a host that does not answer. */
const patienceMs = 1000

/**
 * Tells a statsd daemon what an aggregator has counted, on an interval and on close. hot-shots is loaded and the socket opened by
 * the first flush. Nothing here can fail a send: trouble becomes one process warning, and counts wait for a host that
 * refuses connections (over UDP nobody knows whether somebody listens).
 */
export class StatsdInstrument implements Instrument {
  readonly #aggregator: MetricsAggregator
  readonly #options: StatsdOptions
  readonly #timer: NodeJS.Timeout
  #client: StatsD | undefined
  #stream: Socket | undefined
  #flushing: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #warn = createWarning((error) => this.#describe(error))

  constructor(aggregator: MetricsAggregator, options: StatsdOptions) {
    this.#aggregator = aggregator
    this.#options = options
    this.#timer = setInterval(() => void this.flush(), options.flushIntervalMs)
    this.#timer.unref()
  }

  /** Sends what was counted since the last flush. Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #flush(): Promise<void> {
    try {
      const client = await this.#connect()
      for (const sample of takeStatsdSamples(this.#aggregator)) this.#send(client, sample)
      await withinTime(new Promise((done) => client.flush(done)), patienceMs)
    } catch (error) {
      this.#warn(error)
    }
  }

  #send(client: StatsD, { type, name, value, tags, rate }: StatsdSample): void {
    const isPlain = this.#options.format === 'plain'
    const stat = isPlain ? [name, ...Object.values(tags).map(plainSegment)].join('.') : name
    const shown = isPlain ? {} : tags
    if (type === 'count') client.increment(stat, value, { tags: shown })
    else if (type === 'gauge') client.gauge(stat, value, { tags: shown })
    else sendValue(client, stat, value, `${isPlain ? 'ms' : 'd'}${rateSuffix(rate)}`, shown)
  }

  /** @throws Error when the package is missing or the host refuses the connection */
  async #connect(): Promise<StatsD> {
    if (this.#client !== undefined && this.#stream?.destroyed !== true) return this.#client
    this.#client?.close(() => undefined)
    this.#client = undefined
    const { host, port, socketPath, format, prefix, tags = [] } = this.#options
    const { default: HotShots } = await import('hot-shots').catch((error: unknown) => {
      clearInterval(this.#timer)
      throw new Error('the package hot-shots cannot be loaded; run `npm install hot-shots`', { cause: error })
    })
    const protocol = this.#options.protocol ?? (socketPath === undefined ? 'udp' : 'unix')
    const isStream = protocol === 'tcp' || protocol === 'unix-stream'
    if (isStream) this.#stream = await connectStream(protocol === 'tcp' ? { host, port } : { path: socketPath })
    const isPlain = format === 'plain'
    this.#client = new HotShots({
      prefix,
      errorHandler: (error) => this.#warn(error),
      // Plain statsd has no tags: the parser of the original daemon rejects lines that carry them.
      globalTags: isPlain ? [] : [...tags],
      includeDataDogTags: !isPlain,
      datadog: !isPlain,
      includeDatadogTelemetry: false,
      cacheDns: true,
      maxBufferSize: isStream ? maxStreamBytes : protocol === 'unix' ? undefined : maxDatagramBytes,
      ...(this.#stream === undefined
        ? { protocol: protocol === 'unix' ? 'uds' : 'udp', host, port, path: socketPath }
        : { protocol: 'stream', stream: this.#stream }),
    } as ConstructorParameters<typeof HotShots>[0])
    return this.#client
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#flushing
    await this.flush()
    const client = this.#client
    if (client !== undefined) await withinTime(new Promise((done) => client.close(done)), patienceMs)
    this.#stream?.destroy()
    await this.#aggregator.close()
  }

  #describe(error: unknown): string {
    const { host, port, socketPath } = this.#options
    const where = socketPath ?? `${host}:${port}`
    const said = reasonOf(error)
    // hot-shots leaves datagrams over Unix sockets to a native package that it does not require.
    const reason = /unix_dgram/.test(said) ? 'the package unix-dgram is missing; run `npm install unix-dgram`' : said
    return `Metrics do not reach statsd at ${where}: ${reason}`
  }
}

/** A socket that keeps no process alive. @throws Error when it is not connected in time */
async function connectStream(target: {
  host?: string | undefined
  port?: number
  path?: string | undefined
}): Promise<Socket> {
  const { connect } = process.getBuiltinModule('node:net')
  const socket = connect(target as { path: string })
  socket.setTimeout(patienceMs, () => {
    if (socket.connecting) socket.destroy(new Error(`no connection within ${patienceMs} ms`))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.setTimeout(0)
  socket.unref()
  // What the daemon says is of no interest, but has to be read for its end to be noticed.
  socket.resume()
  return socket
}

/**
 * With a rate as its argument the client would draw again, and leave most of what was drawn already out;
 * behind the type it is written as it is.
 */
function sendValue(client: StatsD, stat: string, value: number, type: string, tags: object): void {
  const { sendAll } = client as unknown as { sendAll: (...args: unknown[]) => void }
  sendAll.call(client, stat, value, type, undefined, tags)
}

function rateSuffix(rate = 1): string {
  return rate === 1 ? '' : `|@${Math.max(1e-6, Math.round(rate * 1e6) / 1e6)}`
}

function plainSegment(value: string): string {
  return value.replaceAll(/[^\w-]+/g, '_')
}
