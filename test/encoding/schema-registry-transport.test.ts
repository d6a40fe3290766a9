import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createTransport, type TransportOptions } from '../../src/encoding/schema-registry-transport.ts'
import { catchRejection } from '../catch-error.ts'
import { createCertificate, type Certificate } from '../schema-registry/create-certificate.ts'
import { answer, startServer, type Respond } from '../schema-registry/http-server.ts'

const ok: Respond = (_, response) => answer(response, 200, { fine: true })

/** A URL where nobody listens. */
async function closedUrl(): Promise<string> {
  const server = await startServer(ok)
  await server.close()
  return server.url
}

test('asks below the path of the URL, in the media type of the API', async () => {
  let headers: IncomingMessage['headers'] = {}
  const server = createServer((request, response) => {
    headers = request.headers
    answer(response, 200, { path: request.url })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/ccompat/v7/`
  const transport = createTransport({ urls: [url] })
  expect(await transport.request('POST', '/subjects?a=b', { schema: '"int"' })).toEqual({
    status: 200,
    body: { path: '/apis/ccompat/v7/subjects?a=b' },
  })
  expect(headers['content-type']).toBe('application/vnd.schemaregistry.v1+json')
  expect(headers.authorization).toBeUndefined()
  await transport.close()
  server.close()
})

test.each([
  ['basic', { username: 'ada', password: 'p:w' }, `Basic ${Buffer.from('ada:p:w').toString('base64')}`],
  ['bearer', { token: 'tok', username: 'ada', password: 'pw' }, 'Bearer tok'],
])('%s authentication', async (_, credentials, header) => {
  await using server = await startServer(ok)
  const transport = createTransport({ urls: [server.url], ...credentials })
  await transport.request('GET', '/subjects')
  expect(server.requests[0]!.authorization).toBe(header)
  await transport.close()
})

test('nothing is connected before the first request, and closing then is nothing', async () => {
  await createTransport({ urls: [await closedUrl()] }).close()
})

test.each([500, 502, 503, 429, 408])('%d is tried again until it is over', async (status) => {
  await using server = await startServer((_, response, index) =>
    index < 2 ? answer(response, status, { message: 'busy' }) : answer(response, 200, {}),
  )
  const transport = createTransport({ urls: [server.url] })
  expect(await transport.request('GET', '/subjects')).toMatchObject({ status: 200 })
  expect(server.requests).toHaveLength(3)
  await transport.close()
})

test('a server that stays broken is given up after four rounds', async () => {
  await using server = await startServer((_, response) => answer(response, 500, { message: 'disk full' }))
  const transport = createTransport({ urls: [server.url] })
  expect(await catchRejection(transport.request('GET', '/subjects'))).toMatchObject({
    code: 'SCHEMA_REGISTRY_UNREACHABLE',
    retriable: true,
    outcome: 'not_sent',
    message: expect.stringContaining(`${server.url}: it answered 500 (disk full)`),
  })
  expect(server.requests).toHaveLength(4)
  await transport.close()
})

test('a dead first URL costs one attempt, and the one that answered is asked first from then on', async () => {
  await using broken = await startServer((_, response) => answer(response, 503, ''))
  await using server = await startServer(ok)
  const transport = createTransport({ urls: [await closedUrl(), broken.url, server.url] })
  for (let call = 0; call < 3; call++) await transport.request('GET', '/subjects')
  expect(broken.requests).toHaveLength(1)
  expect(server.requests).toHaveLength(3)
  await transport.close()
})

test('each URL that failed is named, with its reason', async () => {
  const closed = await closedUrl()
  await using broken = await startServer((_, response) => answer(response, 503, ''))
  const transport = createTransport({ urls: [closed, broken.url] })
  const error = await catchRejection(transport.request('GET', '/subjects'))
  expect(error.message).toMatch(/ECONNREFUSED/)
  expect(error.message).toContain(`${broken.url}: it answered 503`)
  await transport.close()
})

test.each<[string, Respond]>([
  ['silence', () => undefined],
  ['a body that never ends', (_, response) => response.writeHead(200).write('{')],
])('%s ends with the time of one request, and in all', async (_, respond) => {
  await using server = await startServer(respond)
  const transport = createTransport({ urls: [server.url], requestTimeoutMs: 400, timeoutMs: 800 })
  const error = await catchRejection(transport.request('GET', '/subjects'))
  expect(error.code).toBe('SCHEMA_REGISTRY_UNREACHABLE')
  expect(Number(/no answer within (\d+) ms/.exec(error.message)?.[1])).toBeLessThanOrEqual(400)
  // A third one would begin after the time for all.
  expect([1, 2]).toContain(server.requests.length)
  await transport.close()
})

test('a server that asks for more patience than there is ends the call at once', async () => {
  await using server = await startServer((_, response) => answer(response, 429, '', { 'retry-after': '3600' }))
  const transport = createTransport({ urls: [server.url] })
  expect(await catchRejection(transport.request('GET', '/'))).toMatchObject({ code: 'SCHEMA_REGISTRY_UNREACHABLE' })
  expect(server.requests).toHaveLength(1)
  await transport.close()
})

test.each([401, 403])('%d is not tried again, anywhere', async (status) => {
  await using denying = await startServer((_, response) => answer(response, status, { message: 'who are you' }))
  await using other = await startServer(ok)
  const transport = createTransport({ urls: [denying.url, other.url] })
  expect(await catchRejection(transport.request('GET', '/'))).toMatchObject({
    code: 'SCHEMA_REGISTRY_DENIED',
    retriable: false,
    message: expect.stringMatching(/who are you/),
  })
  expect(denying.requests.length + other.requests.length).toBe(1)
  await transport.close()
})

test.each<[string, Respond, RegExp]>([
  ['a page', (_, response) => answer(response, 200, '<html>'), /not JSON; is the URL right/],
  ['nothing', (_, response) => answer(response, 404, ''), /404 with something that is not JSON/],
  ['a redirect', (_, response) => answer(response, 302, '', { location: 'http://elsewhere/' }), /a redirect/],
])('%s instead of an answer', async (_, respond, message) => {
  await using server = await startServer(respond)
  const transport = createTransport({ urls: [server.url] })
  expect(await catchRejection(transport.request('GET', '/'))).toMatchObject({
    code: 'SCHEMA_REGISTRY_FAILED',
    message: expect.stringMatching(message),
  })
  expect(server.requests).toHaveLength(1)
  await transport.close()
})

test('an answer of any length does not fill the memory', async () => {
  await using server = await startServer((_, response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(1024 * 1024, ' ')
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  })
  const transport = createTransport({ urls: [server.url] })
  expect(await catchRejection(transport.request('GET', '/'))).toMatchObject({
    message: expect.stringMatching(/larger than 8388608 bytes/),
  })
  await transport.close()
})

test('what a server echoes of the credentials is not repeated', async () => {
  const echo: Respond = ({ authorization }, response) =>
    answer(response, 401, { message: `bad ${authorization}, ${decodeBase64(authorization!.split(' ')[1]!)}` })
  await using server = await startServer(echo)
  const basic = createTransport({ urls: [server.url], username: 'ada', password: 'canary-word' })
  const bearer = createTransport({ urls: [server.url], token: 'canary-token' })
  for (const transport of [basic, bearer]) {
    const error = await catchRejection(transport.request('GET', '/'))
    const shown = inspect(error) + JSON.stringify(error) + inspect(transport, { depth: 5, showHidden: true })
    expect(shown).toContain('[redacted]')
    expect(shown).not.toMatch(/canary/)
    expect(shown).not.toContain(Buffer.from('ada:canary-word').toString('base64'))
    await transport.close()
  }
})

interface TestProxy extends AsyncDisposable {
  readonly port: number
  /** What each tunnel was asked to, and with which credentials. */
  readonly seen: (string | undefined)[]
}

/** An HTTP proxy that only tunnels. */
async function startProxy(certificate?: Certificate): Promise<TestProxy> {
  const seen: (string | undefined)[] = []
  const refuse: RequestListener = (_, response) => answer(response, 500, 'not tunnelled')
  const proxy = certificate
    ? createSecureServer({ cert: certificate.certificate, key: certificate.key }, refuse)
    : createServer(refuse)
  proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
    seen.push(request.url, request.headers['proxy-authorization'])
    const target = connect(Number(request.url!.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket)
      socket.pipe(target)
    })
    socket.on('error', () => target.destroy())
    target.on('error', () => socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const close = async (): Promise<void> => {
    proxy.close()
    proxy.closeAllConnections()
    await once(proxy, 'close')
  }
  return { port: (proxy.address() as AddressInfo).port, seen, [Symbol.asyncDispose]: close }
}

test('goes through a proxy, with its user and password', async () => {
  await using server = await startServer(ok)
  const proxy = await startProxy()
  const url = `http://ada:canary-word@127.0.0.1:${proxy.port}`
  const transport = createTransport({ urls: [server.url], proxy: url })
  expect(await transport.request('GET', '/')).toMatchObject({ status: 200 })
  expect(proxy.seen).toEqual([new URL(server.url).host, `Basic ${Buffer.from('ada:canary-word').toString('base64')}`])
  await transport.close()
  await proxy[Symbol.asyncDispose]()

  const dead = createTransport({ urls: [server.url], proxy: url, timeoutMs: 500 })
  const error = await catchRejection(dead.request('GET', '/'))
  expect(error.code).toBe('SCHEMA_REGISTRY_UNREACHABLE')
  expect(inspect(error)).not.toMatch(/canary/)
  await dead.close()
})

describe('over TLS', () => {
  const serverSide = createCertificate('server')
  const clientSide = createCertificate('billing')

  /** Answers with the name in the certificate of the client, which it insists on. */
  async function startSecureServer(): Promise<{ url: string } & AsyncDisposable> {
    const { certificate: cert, key } = serverSide
    const server = createSecureServer(
      { cert, key, ca: clientSide.certificate, requestCert: true },
      (request, response) =>
        answer(response, 200, { client: (request.socket as TLSSocket).getPeerCertificate().subject.CN }),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const close = async (): Promise<void> => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
    return { url: `https://localhost:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close }
  }

  async function ask(options: TransportOptions): Promise<unknown> {
    const transport = createTransport(options)
    try {
      return await transport.request('GET', '/')
    } finally {
      await transport.close()
    }
  }
  const ca = serverSide.certificate
  const named = { status: 200, body: { client: 'billing' } }

  test('a client certificate is shown, given as text or as files', async () => {
    await using server = await startSecureServer()
    const urls = [server.url]
    expect(await ask({ urls, tls: { ca, ...clientSide } })).toEqual(named)
    const directory = await mkdtemp(join(tmpdir(), 'postrider-tls-'))
    const files = { certificate: join(directory, 'client.pem'), key: join(directory, 'client.key') }
    await Promise.all([writeFile(files.certificate, clientSide.certificate), writeFile(files.key, clientSide.key)])
    expect(await ask({ urls, tls: { ca, ...files } })).toEqual(named)
    await rm(directory, { recursive: true })
  })

  test.each<[string, NonNullable<TransportOptions['tls']>, RegExp]>([
    ['no client certificate', { ca }, /closed|alert|ECONNRESET/],
    ['one that the server does not trust', { ca, ...createCertificate('stranger') }, /closed|alert|ECONNRESET/],
    ['an authority that is not the server’s', { ca: clientSide.certificate, ...clientSide }, /self.signed|verify/],
  ])('%s is not enough', async (_, tls, reason) => {
    await using server = await startSecureServer()
    const error = await catchRejection(ask({ urls: [server.url], tls }))
    expect(error).toMatchObject({ code: 'SCHEMA_REGISTRY_UNREACHABLE', message: expect.stringMatching(reason) })
    expect(inspect(error)).not.toMatch(/PRIVATE KEY/)
  })

  test.each([
    ['an HTTP proxy', undefined, 'http'],
    ['an HTTPS proxy of the same authority', serverSide, 'https'],
  ])('through %s the certificates are those of client and server', async (_, certificate, protocol) => {
    await using server = await startSecureServer()
    await using proxy = await startProxy(certificate)
    const options = { urls: [server.url], proxy: `${protocol}://localhost:${proxy.port}` }
    expect(await ask({ ...options, tls: { ca, ...clientSide } })).toEqual(named)
    expect(proxy.seen).toEqual([new URL(server.url).host, undefined])
    expect(await catchRejection(ask({ ...options, tls: clientSide }))).toMatchObject({
      code: 'SCHEMA_REGISTRY_UNREACHABLE',
      message: expect.stringMatching(/self.signed|verify/),
    })
  })
})

test('a TLS file that is not there is named as the trouble, without its path', async () => {
  const transport = createTransport({ urls: ['https://127.0.0.1:1'], tls: { ca: './no-such.pem' } })
  expect(await catchRejection(transport.request('GET', '/'))).toMatchObject({
    code: 'SCHEMA_REGISTRY_FAILED',
    message: expect.stringMatching(/TLS settings cannot be read \(ENOENT\)/),
  })
})

function decodeBase64(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
