import type { Dispatcher } from 'undici'
import { MessagingError } from '../errors/messaging-error.ts'

export interface TransportOptions {
  /** Base URLs of one schema registry, without credentials; the next is tried when one fails. */
  readonly urls: readonly string[]
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Bearer token; wins over username and password. */
  readonly token?: string | undefined
  /** PEM text or path of a PEM file. `ca` is for an https proxy too. */
  readonly tls?: {
    readonly ca?: string | undefined
    readonly certificate?: string | undefined
    readonly key?: string | undefined
  }
  /** URL of an HTTP proxy; may hold user and password. */
  readonly proxy?: string | undefined
  /** For one request, in ms. Default 3000. */
  readonly requestTimeoutMs?: number | undefined
  /** For a call with all its retries, in ms. Default 10000. */
  readonly timeoutMs?: number | undefined
}

/** An answer below 500 whose body is JSON. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Transport {
  /** @throws SCHEMA_REGISTRY_UNREACHABLE, SCHEMA_REGISTRY_DENIED, SCHEMA_REGISTRY_FAILED */
  request(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer>
  close(): Promise<void>
}

/** How often all URLs are tried. */
const maxRounds = 4
const firstPauseMs = 100
const longestPauseMs = 2_000
/** Far above any schema; an endless body must not fill the memory. */
const maxBodyBytes = 8 * 1024 * 1024
const contentType = 'application/vnd.schemaregistry.v1+json'

/**
 * HTTP to one schema registry behind one or several URLs: pooled connections, retries with jitter, failover.
 * Nothing is loaded or opened before the first request.
 */
export function createTransport(options: TransportOptions): Transport {
  const { requestTimeoutMs = 3_000, timeoutMs = 10_000 } = options
  const bases = options.urls.map((url) => new URL(url))
  const authorization = authorize(options)
  const scrub = createScrubber(options)
  let connecting: Promise<Dispatcher> | undefined
  // The URL that answered last is asked first.
  let preferred = 0

  function connect(): Promise<Dispatcher> {
    connecting ??= createDispatcher(options).catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    return connecting
  }

  async function ask(
    base: URL,
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    limitMs: number,
  ): Promise<Answer | Failure> {
    const dispatcher = await connect()
    try {
      const response = await dispatcher.request({
        origin: base.origin,
        path: `${base.pathname.replace(/\/$/, '')}${path}`,
        method,
        body: body ?? null,
        signal: AbortSignal.timeout(limitMs),
        headers: {
          accept: `${contentType}, application/json`,
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...(authorization === undefined ? {} : { authorization }),
        },
      })
      const text = await response.body.text()
      return judge(response.statusCode, text, response.headers['retry-after'])
    } catch (error) {
      return { reason: describeNetworkError(error as NodeJS.ErrnoException, limitMs), kind: 'unreachable' }
    }
  }

  return {
    async request(method, path, body) {
      const deadline = performance.now() + timeoutMs
      const text = body === undefined ? undefined : JSON.stringify(body)
      const first = preferred
      const failures = new Map<string, Failure>()
      for (let attempt = 0; attempt < maxRounds * bases.length; attempt++) {
        const index = (first + attempt) % bases.length
        const base = bases[index]!
        const left = deadline - performance.now()
        if (left < 1) break
        const answer = await ask(base, method, path, text, Math.ceil(Math.min(requestTimeoutMs, left)))
        if ('status' in answer) {
          preferred = index
          return answer
        }
        failures.set(base.origin, answer)
        // Another URL is the same schema registry, with the same users.
        if (answer.kind === 'denied') break
        const isRoundOver = (attempt + 1) % bases.length === 0
        if (isRoundOver && ![...failures.values()].some(({ kind }) => kind === 'unreachable')) break
        if (isRoundOver && attempt + 1 < maxRounds * bases.length) {
          const pauseMs = Math.max(answer.retryAfterMs ?? 0, jitter(Math.floor(attempt / bases.length)))
          if (pauseMs >= deadline - performance.now()) break
          await new Promise((resolve) => setTimeout(resolve, pauseMs))
        }
      }
      throw toError(failures, scrub)
    },
    async close() {
      const dispatcher = await connecting?.catch(() => undefined)
      connecting = undefined
      await dispatcher?.destroy()
    },
  }
}

interface Failure {
  readonly reason: string
  readonly kind: 'unreachable' | 'denied' | 'unusable'
  readonly retryAfterMs?: number | undefined
}

function judge(status: number, text: string, retryAfter: string | string[] | undefined): Answer | Failure {
  const body = parseJson(text)
  const message = (body as { message?: unknown } | undefined)?.message
  const said = typeof message === 'string' && message !== '' ? ` (${message.slice(0, 200)})` : ''
  if (status === 401 || status === 403) return { reason: `it answered ${status}${said}`, kind: 'denied' }
  if (status >= 500 || status === 429 || status === 408) {
    const seconds = Number(retryAfter)
    const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined
    return { reason: `it answered ${status}${said}`, kind: 'unreachable', retryAfterMs }
  }
  if (status >= 300 && status < 400) return { reason: `it answered ${status}, a redirect`, kind: 'unusable' }
  if (body === undefined) {
    return { reason: `it answered ${status} with something that is not JSON; is the URL right?`, kind: 'unusable' }
  }
  return { status, body }
}

function toError(failures: ReadonlyMap<string, Failure>, scrub: (text: string) => string): MessagingError {
  const reason = scrub([...failures].map(([origin, failure]) => `${origin}: ${failure.reason}`).join('; '))
  const kinds = new Set([...failures.values()].map(({ kind }) => kind))
  if (kinds.has('denied')) return new MessagingError('SCHEMA_REGISTRY_DENIED', { reason })
  if (kinds.has('unreachable') || kinds.size === 0) {
    return new MessagingError('SCHEMA_REGISTRY_UNREACHABLE', { reason: reason || 'no time was left to ask' })
  }
  return new MessagingError('SCHEMA_REGISTRY_FAILED', { reason })
}

function describeNetworkError(error: NodeJS.ErrnoException, limitMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${limitMs} ms`
  if (error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `its answer is larger than ${maxBodyBytes} bytes`
  const { message } = error.message === '' && error.cause instanceof Error ? error.cause : error
  return message === '' ? (error.code ?? error.name) : message.slice(0, 200)
}

/** At least half of the pause, so that a round never follows at once; the rest at random, so that processes spread out. */
function jitter(round: number): number {
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** round)
  return pauseMs / 2 + (Math.random() * pauseMs) / 2
}

function authorize({ username, password, token }: TransportOptions): string | undefined {
  if (token !== undefined) return `Bearer ${token}`
  if (username === undefined) return undefined
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
}

/** A server or a proxy may echo what it was sent. */
function createScrubber(options: TransportOptions): (text: string) => string {
  const { password, token, proxy } = options
  const secrets = [password, token, authorize(options)?.split(' ')[1], proxy, proxy && URL.parse(proxy)?.password]
  const known = secrets.filter((secret) => secret !== undefined && secret !== '' && secret !== null) as string[]
  return (text) => known.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[redacted]'), text)
}

async function createDispatcher({ tls = {}, proxy }: TransportOptions): Promise<Dispatcher> {
  // undici takes tens of milliseconds to import: loaded for the first request, not with the SDK.
  const { Agent, ProxyAgent } = await import('undici')
  const [ca, cert, key] = await Promise.all([readPem(tls.ca), readPem(tls.certificate), readPem(tls.key)])
  const connect = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  const limits = { maxResponseSize: maxBodyBytes, connections: 8 }
  if (proxy === undefined) return new Agent({ ...limits, connect })
  // The client certificate is for the schema registry alone.
  return new ProxyAgent({ ...limits, uri: proxy, requestTls: connect, ...(ca && { proxyTls: { ca } }) })
}

/** @throws SCHEMA_REGISTRY_FAILED */
async function readPem(value: string | undefined): Promise<string | undefined> {
  if (value === undefined || value.includes('-----BEGIN')) return value
  try {
    return await process.getBuiltinModule('node:fs/promises').readFile(value, 'utf8')
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw new MessagingError('SCHEMA_REGISTRY_FAILED', {
      reason: `a file of its TLS settings cannot be read (${code})`,
    })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
