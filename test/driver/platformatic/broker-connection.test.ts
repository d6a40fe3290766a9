import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DriverOptions } from '../../../src/driver/driver.ts'
import { BrokerConnection, type BrokerAddress } from '../../../src/driver/platformatic/broker-connection.ts'
import { createConnectionOptions } from '../../../src/driver/platformatic/connection-options.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { createDriverOptions } from '../driver-options.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'

const library = await loadPlatformaticModule()
const mock = withMockCluster({ brokers: 1 })

function open(
  address: BrokerAddress,
  onClose: (closed: BrokerConnection) => void = () => undefined,
  driverOptions: Partial<DriverOptions> = {},
) {
  const options = createConnectionOptions(createDriverOptions(driverOptions))
  return BrokerConnection.open(library, 'test', address, options, onClose)
}

function addressOf(broker: string): BrokerAddress {
  const [host = '', port] = broker.split(':')
  return { host, port: Number(port) }
}

async function listen(onSocket: (socket: Socket) => void): Promise<BrokerAddress> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port }
}

describe('a connection', () => {
  test('knows what the broker takes, and asks for it', async () => {
    const connection = await open(addressOf(mock.brokers[0]!))
    onTestFinished(() => connection.close(1000))
    expect(connection.produceVersion).toBeGreaterThanOrEqual(7)
    expect(await connection.call('Metadata', [], false, false)).toMatchObject({ brokers: [{ nodeId: 1 }] })
    await expect(connection.call('DescribeQuorum')).rejects.toThrow(
      'the broker and the library have no version of DescribeQuorum in common',
    )
  })

  test('tells that it is closed, by us or by the broker, and which one it was', async () => {
    const closed = Promise.withResolvers<BrokerConnection>()
    const connection = await open(addressOf(mock.brokers[0]!), closed.resolve)
    expect([connection.isOpen, await connection.becomesOpen()]).toEqual([true, true])
    await connection.close(1000)
    expect(await connection.becomesOpen()).toBe(false)
    expect(await closed.promise).toBe(connection)
    expect(connection.isOpen).toBe(false)
  })

  test('fails what was not written when it ends, without an answer expected too', async () => {
    const connection = await open(addressOf(mock.brokers[0]!))
    const failed = Promise.withResolvers<unknown>()
    connection.produce(-1, 1000, [['t', [{ partition: 0, payload: Buffer.alloc(8_000_000) }]]], failed.resolve)
    const forgotten = Promise.withResolvers<unknown>()
    connection.produce(0, 1000, [['t', [{ partition: 0, payload: Buffer.alloc(10) }]]], forgotten.resolve)
    connection.abort()
    expect(await failed.promise).toMatchObject({ message: 'Connection closed' })
    expect(await forgotten.promise).toMatchObject({ message: 'Connection closed' })
  })

  test('is given up when the broker reads no more, also by those who expect no answer', async () => {
    const broker = addressOf(mock.brokers[0]!)
    const accepted: Socket[] = []
    const address = await listen((socket) => {
      accepted.push(socket)
      const onward = connect(broker.port, broker.host).on('error', () => undefined)
      socket.on('close', () => onward.destroy())
      socket.pipe(onward).pipe(socket)
    })
    const closed = Promise.withResolvers<BrokerConnection>()
    const connection = await open(address, closed.resolve)
    for (const socket of accepted) socket.unpipe().pause()
    const failed = Promise.withResolvers<unknown>()
    const payload = Buffer.alloc(16_000_000)
    connection.produce(0, 200, [['t', [{ partition: 0, payload }]]], () => undefined)
    connection.produce(0, 200, [['t', [{ partition: 0, payload }]]], failed.resolve)
    expect(await failed.promise).toMatchObject({ message: 'Connection closed' })
    expect(await closed.promise).toBe(connection)
  })
})

describe('a server', () => {
  test('that takes connections and says nothing is given up', async () => {
    const address = await listen(() => undefined)
    await expect(open(address, undefined, { connectTimeoutMs: 300 })).rejects.toThrow()
  })

  test('that hangs up is an error', async () => {
    await expect(open(await listen((socket) => socket.destroy()))).rejects.toThrow()
  })

  test('that wants TLS says so', async () => {
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 10])
    const address = await listen((socket) => socket.on('data', () => socket.write(alert)))
    await expect(open(address)).rejects.toThrow('Broker requires TLS.')
  })
})
