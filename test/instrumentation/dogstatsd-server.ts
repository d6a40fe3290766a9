import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface DogstatsdLine {
  readonly name: string
  readonly value: number
  readonly type: string
  readonly rate?: number
  /** `name:value`, sorted. */
  readonly tags: readonly string[]
}

export interface DogstatsdServer extends AsyncDisposable {
  readonly port: number
  readonly lines: readonly DogstatsdLine[]
  readonly largestDatagram: number
}

const grammar =
  /^(?<name>[\w.]+):(?<value>[\d.]+)\|(?<type>[a-z]+)(?:\|@(?<rate>[\d.]+))?\|#(?<tags>[^|]*)(?:\|c:[^|]+)?$/

/** A UDP server that understands tags; the original daemon does not know the container id after them. A line it cannot read has the type `unreadable`. */
export async function startDogstatsdServer(): Promise<DogstatsdServer> {
  const lines: DogstatsdLine[] = []
  let largestDatagram = 0
  const socket = createSocket('udp4')
  socket.on('message', (datagram) => {
    largestDatagram = Math.max(largestDatagram, datagram.length)
    for (const line of datagram.toString().split('\n').filter(Boolean)) {
      const { name = line, value, type = 'unreadable', rate, tags = '' } = grammar.exec(line)?.groups ?? {}
      const sampled = rate === undefined ? {} : { rate: Number(rate) }
      lines.push({ name, value: Number(value), type, ...sampled, tags: tags.split(',').sort() })
    }
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    lines,
    get largestDatagram() {
      return largestDatagram
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
