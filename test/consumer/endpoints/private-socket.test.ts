import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createConnection, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listenOnSocket } from '../../../src/consumer/endpoints/private-socket.ts'
import { catchRejection } from '../../catch-error.ts'

let scratch: string
let servers: Server[] = []
beforeEach(() => void (scratch = mkdtempSync(join(tmpdir(), 'postrider-'))))
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  servers = []
  rmSync(scratch, { recursive: true })
})

async function listen(path: string): Promise<() => void> {
  const server = createServer()
  const release = await listenOnSocket(server, path)
  servers.push(server)
  return release
}

async function connects(path: string): Promise<boolean> {
  const socket = createConnection(path)
  return once(socket, 'connect').then(
    () => {
      socket.destroy()
      return true
    },
    () => false,
  )
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

/** What a process leaves behind that is killed while it listens. */
async function leaveStale(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(statSync(path).isSocket()).toBe(true)
}

test('the socket and a directory that was not there are closed to others', async () => {
  const path = join(scratch, 'a', 'b', 'control.sock')
  const release = await listen(path)
  expect([modeOf(path), modeOf(join(scratch, 'a')), modeOf(join(scratch, 'a', 'b'))]).toEqual(['600', '700', '700'])
  expect(await connects(path)).toBe(true)
  release()
})

test('it is gone with its server, and the process keeps no listener of it', async () => {
  const before = process.listenerCount('exit')
  const path = join(scratch, 'control.sock')
  const release = await listen(path)
  release()
  await new Promise((resolve) => servers.pop()!.close(resolve))
  expect([readdirSync(scratch), process.listenerCount('exit')]).toEqual([[], before])
})

test('it is gone when the process ends by process.exit()', async () => {
  const path = join(scratch, 'control.sock')
  const module = new URL('../../../src/consumer/endpoints/private-socket.ts', import.meta.url)
  const program = `
    const { listenOnSocket } = await import(${JSON.stringify(module.href)})
    const { createServer } = await import('node:http')
    await listenOnSocket(createServer(), ${JSON.stringify(path)})
    process.exit(statSync(${JSON.stringify(path)}).isSocket() ? 0 : 1)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', `import { statSync } from 'node:fs';${program}`])
  expect((await once(child, 'exit'))[0]).toBe(0)
  expect(existsSync(path)).toBe(false)
})

test('what a process left that is gone is replaced', async () => {
  const path = join(scratch, 'control.sock')
  await leaveStale(path)
  await listen(path)
  expect([await connects(path), modeOf(path)]).toEqual([true, '600'])
})

describe('refused is', () => {
  test('a socket on which another process listens', async () => {
    const path = join(scratch, 'control.sock')
    await listen(path)
    expect(await catchRejection(listen(path))).toMatchObject({
      code: 'LISTEN_FAILED',
      message: `Cannot listen on ${path}: another process listens there.`,
    })
    expect(await connects(path)).toBe(true)
  })

  test('a file, which stays as it is', async () => {
    const path = join(scratch, 'control.sock')
    writeFileSync(path, 'mine')
    expect((await catchRejection(listen(path))).message).toContain('there is a file that is no socket')
    expect(readdirSync(scratch)).toEqual(['control.sock'])
  })

  test.each([0o750, 0o701, 0o755])('a directory that others may look into (%o)', async (mode) => {
    const directory = join(scratch, 'open')
    mkdirSync(directory)
    chmodSync(directory, mode)
    const error = await catchRejection(listen(join(directory, 'control.sock')))
    expect(error).toMatchObject({ code: 'LISTEN_FAILED' })
    expect(error.message).toContain(`its directory ${directory} is open to other users`)
    expect(readdirSync(directory)).toEqual([])
  })

  test('a path that no system has room for', async () => {
    const error = await catchRejection(listen(join(scratch, 'a'.repeat(120))))
    expect(error.message).toContain('the path is longer than 103 bytes')
  })

  test('a directory that cannot be made', async () => {
    writeFileSync(join(scratch, 'file'), '')
    expect(await catchRejection(listen(join(scratch, 'file', 'control.sock')))).toMatchObject({ code: 'LISTEN_FAILED' })
  })
})
