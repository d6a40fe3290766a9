import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startBreakingProxy, type WayToCut } from '../kafka/breaking-proxy.ts'
import { startKafkaTools, type OutgoingKafkaRecord } from '../kafka/kafka-tools.ts'

// Checks what faults.test.ts rests on: that an audit finds what is wrong, and that a proxy breaks what it should.

test('an audit finds what is doubled, swapped, missing and in another partition', async () => {
  await using tools = await startKafkaTools(process.env.KAFKA_BOOTSTRAP!)
  const topic = `audit.${randomUUID()}`
  await tools.createTopic(topic, { partitions: 2 })
  const record = (key: string, number: number, partition = 0): OutgoingKafkaRecord => ({
    partition,
    key: Buffer.from(key),
    value: Buffer.from(`${number} and so on`),
  })
  const numbers = (key: string, ...all: number[]): OutgoingKafkaRecord[] => all.map((number) => record(key, number))
  await tools.produce(topic, [
    ...numbers('good', 0, 1, 2),
    ...numbers('doubled', 0, 1, 0, 1, 2),
    ...numbers('swapped', 0, 2, 1, 3),
    ...numbers('missing', 1, 4),
    record('astray', 0, 0),
    record('astray', 0, 1),
  ])
  const { producers, ...audit } = await tools.auditSequences(topic)
  expect(producers).toBe(1)
  expect(audit).toEqual({
    count: 16,
    duplicated: 3,
    reordered: 1,
    astray: 1,
    keys: {
      good: { next: 3, missing: [] },
      doubled: { next: 3, missing: [] },
      swapped: { next: 4, missing: [] },
      missing: { next: 5, missing: [0, 2, 3] },
      astray: { next: 1, missing: [] },
    },
  })
})

test.each<[way: WayToCut, received: string]>([
  ['at once', ''],
  ['before the answer', 'request'],
  ['within a request', 'requ'],
])('a proxy that cuts %s lets %j through', async (way, expected) => {
  let received = ''
  const ended = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      received += bytes.toString()
      socket.write('answer')
    })
    socket.on('error', () => undefined).on('close', () => ended.resolve())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using proxy = await startBreakingProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  onTestFinished(() => void server.close())

  const client = connect(proxy.port, '127.0.0.1')
  let answered = ''
  client.on('data', (bytes) => (answered += bytes.toString()))
  const broken = new Promise((resolve) => client.on('close', resolve))
  client.on('error', () => undefined)
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown]
  expect(accepted.destroyed).toBe(false)
  proxy.cut(way)
  client.write('request')
  await Promise.all([broken, ended.promise])
  expect({ received, answered, cuts: proxy.cuts }).toEqual({ received: expected, answered: '', cuts: 1 })
})

test('a proxy that has vanished is reached by nobody until it reappears', async () => {
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  await using proxy = await startBreakingProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  await proxy.vanish()
  const [refused] = (await once(connect(proxy.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
  expect(refused.code).toBe('ECONNREFUSED')
  await proxy.reappear()
  const client = connect(proxy.port, '127.0.0.1')
  const closed = once(client, 'close')
  expect(String(await once(client, 'data'))).toBe('hello')
  await closed
})
