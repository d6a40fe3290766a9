import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly requests: SeenRequest[]
  close(): Promise<void>
}

export type Respond = (request: SeenRequest, response: ServerResponse, index: number) => void

/** An HTTP server on a free port that answers as `respond` says, and keeps what it was asked. */
export async function startServer(respond: Respond): Promise<TestServer> {
  const requests: SeenRequest[] = []
  const server = createServer((message: IncomingMessage, response) => {
    void text(message).then((body) => {
      const { method = '', url: path = '', headers } = message
      const request = { method, path, authorization: headers.authorization, body }
      requests.push(request)
      respond(request, response, requests.length - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests, close, [Symbol.asyncDispose]: close }
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

interface Version {
  readonly id: number
  readonly subject: string
  readonly version: number
  readonly schema: string
  readonly references?: unknown
}

/** Enough of Confluent's API for a client; `compatible` answers every compatibility check. */
export function createConfluentApi({ compatible = true, level = 'BACKWARD' } = {}): Respond {
  const ids = new Map<string, number>()
  const subjects = new Map<string, Version[]>()
  const unknown = (response: ServerResponse, code: number): void =>
    answer(response, 404, { error_code: code, message: 'not here' })

  return ({ method, path, body }, response) => {
    const [, first, second = '', third, fourth] = path.split('?')[0]!.split('/')
    const name = decodeURIComponent(second)
    const versions = subjects.get(name) ?? []
    const given = (body === '' ? {} : JSON.parse(body)) as { schema?: string; references?: unknown }
    const key = JSON.stringify([given.schema, given.references])
    if (first === 'schemas') {
      const found = [...subjects.values()].flat().find(({ id }) => id === Number(third))
      return found
        ? answer(response, 200, { schema: found.schema, references: found.references })
        : unknown(response, 40403)
    }
    if (first === 'config') return answer(response, 200, { compatibilityLevel: level })
    if (first === 'compatibility') {
      if (!subjects.has(decodeURIComponent(third!))) return unknown(response, 40401)
      return answer(response, 200, { is_compatible: compatible, messages: compatible ? [] : ['no default for y'] })
    }
    if (method === 'GET') {
      const found = fourth === 'latest' ? versions.at(-1) : versions[Number(fourth) - 1]
      return found ? answer(response, 200, found) : unknown(response, subjects.has(name) ? 40402 : 40401)
    }
    const known = versions.find(({ schema, references }) => JSON.stringify([schema, references]) === key)
    if (third !== 'versions') return known ? answer(response, 200, known) : unknown(response, 40403)
    if (!known && !compatible) return answer(response, 409, { error_code: 409, message: 'no default for y' })
    const id = ids.get(key) ?? ids.size + 1
    ids.set(key, id)
    if (!known)
      subjects.set(name, [...versions, { id, subject: name, version: versions.length + 1, ...given } as Version])
    answer(response, 200, { id })
  }
}
