import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isMessagingError, MessagingError } from '../../errors/messaging-error.ts'
import { listenOnSocket } from './private-socket.ts'

export interface Answer {
  readonly status: number
  /** An object becomes JSON. */
  readonly body: object | string
}

/** What is there at one path; HEAD is answered as GET. */
export interface Route {
  readonly GET?: () => Answer
  readonly POST?: (input: unknown) => Promise<Answer>
}

export type Routes = Readonly<Record<string, Route>>

/** An HTTP server of the process, on a TCP port or a Unix domain socket. */
export interface Endpoint extends AsyncDisposable {
  /** `http://127.0.0.1:8080`, or the path of the socket. */
  readonly address: string
  /** Safe to call again. */
  close(): Promise<void>
}

export type Place = { readonly host: string; readonly port: number } | { readonly socketPath: string }

export interface EndpointLimits {
  /** For the headers of a request, or for its first byte. */
  readonly headersTimeoutMs: number
  /** For a whole request. */
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxConnections: number
}

export const endpointLimits: EndpointLimits = {
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 5_000,
  maxConnections: 100,
}

const maxHeaderBytes = 8_192
export const maxBodyBytes = 16_384
const closeWithinMs = 500
const statusOf: Partial<Record<string, number>> = {
  INPUT_INVALID: 400,
  CONSUMER_NOT_RUNNING: 404,
  PARTITION_NOT_FOUND: 404,
}

/** Answers requests by `routes`. It does not hold the process. @throws LISTEN_FAILED */
export async function openEndpoint(
  routes: Routes,
  place: Place,
  limits: EndpointLimits = endpointLimits,
): Promise<Endpoint> {
  // Fetched here, since a startup snapshot cannot hold it.
  const server = process.getBuiltinModule('node:http').createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => void respond(routes, request, response),
  )
  server.maxConnections = limits.maxConnections
  server.unref()
  const release = 'port' in place ? await listenOnPort(server, place) : await listenOnSocket(server, place.socketPath)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    release()
    return (closing ??= closeServer(server))
  }
  return { address: addressOf(server), close, [Symbol.asyncDispose]: close }
}

async function listenOnPort(server: Server, { host, port }: { host: string; port: number }): Promise<() => void> {
  // Exclusive, or workers of a cluster would share it and answer for each other.
  server.listen({ port, host, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'the port is in use' : message
    throw new MessagingError('LISTEN_FAILED', { address: `${host}:${port}`, reason }, { cause: error })
  }
  return () => undefined
}

function addressOf(server: Server): string {
  const address = server.address() as AddressInfo | string
  if (typeof address === 'string') return address
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

async function closeServer(server: Server): Promise<void> {
  // What is being answered may still be written; who keeps a connection open for nothing does not hold this up.
  const timer = setTimeout(() => server.closeAllConnections(), closeWithinMs)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  clearTimeout(timer)
}

async function respond(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body: said } = await answerTo(routes, request).catch(describeFailure)
  const isJson = typeof said === 'object'
  const body = isJson ? `${JSON.stringify(said)}\n` : said
  response.statusCode = status
  response.setHeader('content-type', isJson ? 'application/json' : 'text/plain; version=0.0.4; charset=utf-8')
  response.setHeader('content-length', Buffer.byteLength(body))
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  const route = routes[pathOf(request)]
  if (status === 405 && route) response.setHeader('allow', methodsOf(route).join(', '))
  // The rest of a request that is not wanted is not waited for.
  if (!request.complete) response.setHeader('connection', 'close')
  response.end(body)
}

async function answerTo(routes: Routes, request: IncomingMessage): Promise<Answer> {
  const path = pathOf(request)
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) return { status: 404, body: { message: `There are ${Object.keys(routes).join(', ')}.` } }
  const { method } = request
  if (route.GET && (method === 'GET' || method === 'HEAD')) return route.GET()
  if (route.POST && method === 'POST') return route.POST(await readJson(request))
  return { status: 405, body: { message: `The methods are ${methodsOf(route).join(', ')}.` } }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!
}

function methodsOf(route: Route): string[] {
  return [...(route.GET ? ['GET', 'HEAD'] : []), ...(route.POST ? ['POST'] : [])]
}

/** @throws INPUT_INVALID */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const invalid = (reason: string): MessagingError =>
    new MessagingError('INPUT_INVALID', { source: `${request.method} ${pathOf(request)}`, reason })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw invalid(`the body is larger than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw invalid('the body is no JSON')
  }
}

/** Nothing of what was thrown but what is known to hold no payload and no secret. */
function describeFailure(thrown: unknown): Answer {
  if (!isMessagingError(thrown)) return { status: 500, body: { message: 'The request failed.' } }
  const { code, message } = thrown
  return { status: statusOf[code] ?? 409, body: { code, message } }
}
