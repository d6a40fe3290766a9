import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

// Below the range that Linux (from 32768) and macOS (from 49152) hand to outgoing connections. A port from that range
// could be taken by any client while its broker is restarted; a client that keeps dialling it could even connect to itself.
const LOWEST = 20_000
const HIGHEST = 32_000

/**
 * Finds ports nobody listens on. All of them are held until the last one is found, so they differ from each other;
 * between the return and the broker's own bind another process may still take one, which the caller answers by retrying.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = []
  const ports: number[] = []
  try {
    for (let attempt = 0; ports.length < count; attempt++) {
      if (attempt > count + 200) throw new Error(`no ${count} free ports between ${LOWEST} and ${HIGHEST}`)
      const port = randomInt(LOWEST, HIGHEST)
      const server = await listen(port)
      if (server === undefined) continue
      held.push(server)
      ports.push(port)
    }
    return ports
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

async function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
