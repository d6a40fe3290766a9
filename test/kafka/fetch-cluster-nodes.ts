import { connect } from 'node:net'

const METADATA_KEY = 3
const METADATA_VERSION = 4
const CORRELATION_ID = 7

/**
 * Asks a broker which brokers it knows, by one Metadata request over a plain socket: the same question every client
 * asks first, so an answer means that clients can be let in. Resolves with the node ids.
 */
export async function fetchClusterNodes(host: string, port: number, timeoutMs: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let received = Buffer.alloc(0)
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no metadata from ${host}:${port} in ${timeoutMs} ms`)))
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
      resolve(nodeIds(received.subarray(4)))
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${host}:${port} closed the connection before it answered`)))
  })
}

function metadataRequest(): Buffer {
  const clientId = Buffer.from('postrider-harness')
  const body = Buffer.alloc(2 + 2 + 4 + 2 + clientId.length + 4 + 1)
  let at = body.writeInt16BE(METADATA_KEY, 0)
  at = body.writeInt16BE(METADATA_VERSION, at)
  at = body.writeInt32BE(CORRELATION_ID, at)
  at = body.writeInt16BE(clientId.length, at)
  at += clientId.copy(body, at)
  at = body.writeInt32BE(0, at) // no topics: only the brokers are of interest
  body.writeInt8(0, at) // do not create any
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function nodeIds(answer: Buffer): number[] {
  let at = 4 + 4 // correlation id, throttle time
  const count = answer.readInt32BE(at)
  at += 4
  const ids: number[] = []
  for (let index = 0; index < count; index++) {
    ids.push(answer.readInt32BE(at))
    at += 4
    at += 2 + answer.readInt16BE(at) // host
    at += 4 // port
    const rackLength = answer.readInt16BE(at)
    at += 2 + Math.max(rackLength, 0)
  }
  return ids.sort((left, right) => left - right)
}
