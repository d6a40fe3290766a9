import { once } from 'node:events'
import { unlinkSync } from 'node:fs'
import { chmod, lstat, mkdir, stat, unlink } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dirname, resolve } from 'node:path'
import { MessagingError } from '../../errors/messaging-error.ts'

/** What fits into the address of a socket on every system, its end included. */
const longestPathBytes = 103

/**
 * Listens on a Unix domain socket that only this user can reach: in a directory that is closed to others, made where it is missing.
 * A socket that was left by a process that is gone is replaced. Returns what forgets about it; closing the server removes it.
 * @throws LISTEN_FAILED
 */
export async function listenOnSocket(server: Server, socketPath: string): Promise<() => void> {
  const path = resolve(socketPath)
  const failed = (reason: string, cause?: unknown): MessagingError =>
    new MessagingError('LISTEN_FAILED', { address: path, reason }, cause === undefined ? {} : { cause })
  if (process.platform === 'win32') throw failed('there are no Unix domain sockets on Windows')
  if (Buffer.byteLength(path) > longestPathBytes) throw failed(`the path is longer than ${longestPathBytes} bytes`)
  try {
    await prepareDirectory(dirname(path), failed)
    await listen(server, path).catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await removeStale(path, failed)
      await listen(server, path)
    })
    await chmod(path, 0o600)
  } catch (error) {
    if (server.listening) server.close()
    throw error instanceof MessagingError ? error : failed((error as Error).message, error)
  }
  // A process that ends by process.exit() closes nothing.
  const onExit = (): void => {
    try {
      unlinkSync(path)
    } catch {
      // It is gone already.
    }
  }
  process.once('exit', onExit)
  return () => void process.off('exit', onExit)
}

type Failed = (reason: string) => MessagingError

/** Before the socket is closed to others itself, and where a system does not look at its mode, the directory is what protects it. */
async function prepareDirectory(directory: string, failed: Failed): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { mode, uid } = await stat(directory)
  if (uid !== process.getuid!()) throw failed(`its directory ${directory} belongs to another user`)
  if ((mode & 0o077) !== 0) {
    throw failed(`its directory ${directory} is open to other users; name one of its own, or run chmod 700`)
  }
}

async function listen(server: Server, path: string): Promise<void> {
  // Exclusive, or workers of a cluster would share it and answer for each other.
  server.listen({ path, exclusive: true })
  await once(server, 'listening')
}

/** Removes the socket if nobody answers there. */
async function removeStale(path: string, failed: Failed): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw failed('there is a file that is no socket')
  const socket = process.getBuiltinModule('node:net').connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code !== 'ECONNREFUSED') throw failed(message)
    // Unless another process was faster.
    if ((await lstat(path).catch(() => undefined))?.ino === found.ino) await unlink(path).catch(() => undefined)
    return
  } finally {
    socket.destroy()
  }
  throw failed('another process listens there')
}
