import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import {
  endpointLimits,
  maxBodyBytes,
  openEndpoint,
  type Endpoint,
} from '../../../src/consumer/endpoints/http-endpoint.ts'
import { MessagingError } from '../../../src/index.ts'
import { catchRejection } from '../../catch-error.ts'
import { eventually } from '../../eventually.ts'

const anyPort = { host: '127.0.0.1', port: 0 }
const routes = {
  '/plain': { GET: () => ({ status: 200, body: 'text\n' }) },
  '/object': { GET: () => ({ status: 503, body: { fine: false } }) },
  '/echo': { POST: async (input: unknown) => ({ status: 200, body: { input } }) },
  '/refused': {
    POST: () => Promise.reject(new MessagingError('PARTITION_NOT_FOUND', { reason: 'it is elsewhere' })),
  },
  '/broken': {
    GET: () => {
      throw new Error('with a secret in it')
    },
  },
}

let endpoint: Endpoint | undefined
afterEach(() => endpoint?.close())

async function open(limits = {}): Promise<string> {
  endpoint = await openEndpoint(routes, anyPort, { ...endpointLimits, ...limits })
  return endpoint.address
}

const post = (url: string, body: string): Promise<Response> => fetch(url, { method: 'POST', body })

/** A connection of a client that says no more than this. */
async function connectTo(address: string, said = ''): Promise<Socket> {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  if (said !== '') socket.write(said)
  return socket
}

/** However it ends: it is a reset where the server had not read all that was said. */
async function closed(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

describe('answers', () => {
  test('are text or JSON, with their status', async () => {
    const address = await open()
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
    const plain = await fetch(`${address}/plain?verbose=1`)
    expect([plain.status, plain.headers.get('content-type'), await plain.text()]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      'text\n',
    ])
    const object = await fetch(`${address}/object`)
    expect([object.status, object.headers.get('cache-control'), await object.json()]).toEqual([
      503,
      'no-store',
      { fine: false },
    ])
  })

  test('to HEAD are those to GET without their body', async () => {
    const head = await fetch(`${await open()}/object`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([503, '15', ''])
  })

  test('to POST come of its JSON', async () => {
    const response = await post(`${await open()}/echo`, '{"a":[1]}')
    expect(await response.json()).toEqual({ input: { a: [1] } })
  })

  test.each([
    ['GET', '/nowhere', 404],
    ['GET', '/__proto__', 404],
    ['GET', '//plain', 404],
    ['POST', '/plain', 405],
    ['DELETE', '/echo', 405],
    ['GET', '/echo', 405],
    ['HEAD', '/echo', 405],
  ])('%s %s is %d', async (method, path, status) => {
    expect((await fetch(`${await open()}${path}`, { method })).status).toBe(status)
  })

  test('name the methods that there are', async () => {
    const response = await post(`${await open()}/plain`, '')
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })

  test('say what was wrong, and of an error that is none of ours nothing', async () => {
    const address = await open()
    const refused = await post(`${address}/refused`, '{}')
    expect([refused.status, await refused.json()]).toEqual([
      404,
      { code: 'PARTITION_NOT_FOUND', message: expect.stringContaining('it is elsewhere') },
    ])
    const broken = await fetch(`${address}/broken`)
    expect([broken.status, await broken.text()]).toEqual([500, '{"message":"The request failed."}\n'])
  })

  test.each(['', '{', 'undefined'])('to the body %j is 400', async (body) => {
    const response = await post(`${await open()}/echo`, body)
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 'INPUT_INVALID', message: 'POST /echo: the body is no JSON.' },
    ])
  })
})

describe('limits', () => {
  test('a body that is too large is not read to its end', async () => {
    const socket = await connectTo(await open(), `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n`)
    socket.write(Buffer.alloc(maxBodyBytes + 1, 'a'))
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain(`the body is larger than ${maxBodyBytes} bytes`)
  })

  test('headers that are too large are refused', async () => {
    const socket = await connectTo(await open(), `GET /plain HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(10_000)}\r\n\r\n`)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /)
  })

  test.each([
    ['says nothing', ''],
    ['says half of its headers', 'GET /plain HTTP/1.1\r\nHost'],
    ['says half of its body', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{'],
    ['says nothing more after an answer', 'GET /plain HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('who %s is cut off', async (_, said) => {
    const address = await open({ headersTimeoutMs: 50, requestTimeoutMs: 100, idleTimeoutMs: 50 })
    await closed(await connectTo(address, said))
  })

  test('more connections than allowed are refused, and there is room again when others end', async () => {
    const address = await open({ maxConnections: 1 })
    const first = await connectTo(address)
    expect(await text(await connectTo(address))).toBe('')
    first.end()
    const answered = (): Promise<number> => fetch(`${address}/plain`).then(({ status }) => status)
    await eventually(async () => expect(await answered()).toBe(200))
  })
})

test('a port in use is an error that names it', async () => {
  const { port } = new URL(await open())
  const error = await catchRejection(openEndpoint(routes, { host: '127.0.0.1', port: Number(port) }))
  expect(error).toMatchObject({
    code: 'LISTEN_FAILED',
    message: `Cannot listen on 127.0.0.1:${port}: the port is in use.`,
  })
})

test('a host that is none of this machine is an error', async () => {
  const error = await catchRejection(openEndpoint(routes, { host: '192.0.2.1', port: 0 }))
  expect(error).toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining('192.0.2.1:0') })
})

test('closed it is gone, though a client keeps its connection; closing again is fine', async () => {
  const address = await open()
  const socket = await connectTo(address, 'GET /plain HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  const ended = once(socket, 'close')
  await Promise.all([endpoint!.close(), endpoint!.close()])
  await ended
  await expect(fetch(`${address}/plain`)).rejects.toThrow('fetch failed')
})
