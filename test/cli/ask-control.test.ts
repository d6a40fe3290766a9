import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { askControl } from '../../src/cli/ask-control.ts'
import { openEndpoint } from '../../src/consumer/endpoints/http-endpoint.ts'
import { catchRejection } from '../catch-error.ts'

let scratch: string
let socketPath: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'postrider-'))
  socketPath = join(scratch, 'a.sock')
})
afterEach(() => rmSync(scratch, { recursive: true }))

test('asks, or says something', async () => {
  const routes = {
    '/health': { GET: () => ({ status: 503, body: { fine: false } }) },
    '/act': { POST: async (input: unknown) => ({ status: 200, body: { input } }) },
  }
  await using _ = await openEndpoint(routes, { socketPath })
  expect(await askControl(socketPath, '/health')).toEqual({ status: 503, answer: { fine: false } })
  expect(await askControl(socketPath, '/act', { a: 1 })).toEqual({ status: 200, answer: { input: { a: 1 } } })
})

test('a process that is not there, and a file, are errors that say so', async () => {
  expect(await catchRejection(askControl(socketPath, '/health'))).toMatchObject({
    code: 'CONTROL_UNREACHABLE',
    message: `No consumers answer at ${socketPath}: there is no socket; the process is gone, or has another one.`,
  })
  writeFileSync(socketPath, '')
  expect(await catchRejection(askControl(socketPath, '/health'))).toMatchObject({ code: 'CONTROL_UNREACHABLE' })
})

test('so is a process that says something else, or hangs up', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/health') response.end('hello')
    else request.socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  expect((await catchRejection(askControl(socketPath, '/health'))).message).toContain('what answers is none of ours')
  expect((await catchRejection(askControl(socketPath, '/act', {}))).message).toContain('socket hang up')
  await new Promise((resolve) => server.close(resolve))
})
