import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { freePorts } from './free-ports.ts'

export type BreakingProxy = AsyncDisposable & {
  port: number
  /** How many connections it has cut. */
  readonly cuts: number
  /** Connections that are open now. */
  readonly connections: number
  /** Cuts all connections. */
  cut: (way: WayToCut) => void
  /** Cuts all connections, in ways and at moments that `random` chooses, `minMs` to `maxMs` after one another, until told to stop. */
  cutEvery: (random: () => number, minMs: number, maxMs: number) => () => void
  /** Cuts all connections and listens no more, as a broker that is gone. */
  vanish: () => Promise<void>
  /** Listens again. */
  reappear: () => Promise<void>
  close: () => Promise<void>
}

/**
 * How a connection ends. What a client has to get right is what it cannot know: whether its last request was carried out. So
 * some requests get through whose answer does not, and some are cut in two.
 */
export const waysToCut = ['at once', 'before the answer', 'within a request'] as const
export type WayToCut = (typeof waysToCut)[number]

const HOST = '127.0.0.1'

/** A proxy in front of `target` that breaks the connections through it. */
export async function startBreakingProxy(target: { host: string; port: number }): Promise<BreakingProxy> {
  const [port] = await freePorts(1)
  const connections = new Set<{ cut: (way: WayToCut) => void; breakOff: () => void }>()
  let cuts = 0
  let server: Server | undefined

  function handle(client: Socket): void {
    const broker = connect(target.port, target.host)
    let cutting: WayToCut | undefined
    const connection = {
      cut(way: WayToCut): void {
        cutting ??= way
        if (cutting === 'at once') connection.breakOff()
      },
      breakOff(): void {
        if (!connections.delete(connection)) return
        cuts++
        client.resetAndDestroy()
        // Not reset as well: the broker would throw away what it has not read yet.
        broker.end()
      },
    }
    connections.add(connection)
    client.setNoDelay(true)
    broker.setNoDelay(true)
    client.on('data', (bytes) => {
      if (cutting !== 'within a request') return forward(client, broker, bytes)
      broker.write(bytes.subarray(0, Math.ceil(bytes.length / 2)))
      connection.breakOff()
    })
    broker.on('data', (bytes) => {
      if (cutting !== 'before the answer') return forward(broker, client, bytes)
      connection.breakOff()
    })
    client
      .on('error', () => undefined)
      .on('close', () => {
        connections.delete(connection)
        broker.end()
      })
    broker
      .on('error', () => undefined)
      .on('close', (failed) => {
        connections.delete(connection)
        if (failed) client.resetAndDestroy()
        else client.end()
      })
  }

  async function reappear(): Promise<void> {
    server = createServer(handle).listen(port, HOST)
    await once(server, 'listening')
  }

  async function vanish(): Promise<void> {
    const vanishing = server
    server = undefined
    if (vanishing === undefined) return
    const closed = new Promise((resolve) => vanishing.close(resolve))
    for (const { breakOff } of connections) breakOff()
    await closed
  }

  await reappear()
  return {
    port: port!,
    get cuts() {
      return cuts
    },
    get connections() {
      return connections.size
    },
    cut(way) {
      for (const connection of connections) connection.cut(way)
    },
    cutEvery(random, minMs, maxMs) {
      let timer: NodeJS.Timeout
      const arm = (): void => {
        timer = setTimeout(
          () => {
            for (const { cut } of connections) cut(waysToCut[Math.floor(random() * waysToCut.length)]!)
            arm()
          },
          minMs + random() * (maxMs - minMs),
        )
      }
      arm()
      return () => clearTimeout(timer)
    },
    vanish,
    reappear,
    close: vanish,
    [Symbol.asyncDispose]: vanish,
  }
}

function forward(from: Socket, to: Socket, bytes: Buffer): void {
  if (to.write(bytes)) return
  from.pause()
  to.once('drain', () => from.resume())
}
