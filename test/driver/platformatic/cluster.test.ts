import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DriverOptions } from '../../../src/driver/driver.ts'
import { Cluster } from '../../../src/driver/platformatic/cluster.ts'
import { createConnectionOptions } from '../../../src/driver/platformatic/connection-options.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { catchRejection } from '../../catch-error.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'

const library = await loadPlatformaticModule()
const mock = withMockCluster({ brokers: 3 })

function createCluster(options: Partial<DriverOptions> = {}, onReconnect?: (nodeId: number) => void): Cluster {
  const whole = createDriverOptions({ brokers: mock.brokers, ...options })
  const cluster = new Cluster(library, { ...whole, createsTopics: true }, createConnectionOptions(whole), onReconnect)
  onTestFinished(() => cluster.close())
  return cluster
}

describe('a cluster', () => {
  test('tells the leaders of a topic, and a connection to each is opened once', async () => {
    const cluster = createCluster()
    await cluster.connect()
    const found = (await cluster.metadata(['cluster.topic'])).get('cluster.topic')
    expect(found?.errorCode).toBe(0)
    expect(found?.leaders).toHaveLength(4)
    const [leader] = found!.leaders as [number]
    expect(cluster.connectionTo(leader)).toBeUndefined()
    const [first, second] = await Promise.all([cluster.open(leader), cluster.open(leader)])
    expect(first).toBe(second)
    expect(cluster.connectionTo(leader)).toBe(first)
  })

  test('gives each who asks an identity of its own, and none where none is needed', async () => {
    const cluster = createCluster()
    const first = await cluster.connect()
    const second = await cluster.identify()
    expect(first?.producerId).not.toBe(second.producerId)
    expect(await createCluster({ profile: { ...defaultProfile, idempotence: false } }).connect()).toBeUndefined()
  })

  test('is found through any address that answers', async () => {
    const cluster = createCluster({ brokers: ['127.0.0.1:1', mock.brokers[1]!, 'no-such-host.invalid:9092'] })
    await expect(cluster.connect()).resolves.toMatchObject({ epoch: 0 })
  })

  test('counts a connection that is opened again', async () => {
    const reconnected: number[] = []
    const cluster = createCluster({}, (nodeId) => reconnected.push(nodeId))
    await cluster.connect()
    const [leader] = (await cluster.metadata(['cluster.topic'])).get('cluster.topic')!.leaders as [number]
    await (await cluster.open(leader)).close(1000)
    expect(cluster.connectionTo(leader)).toBeUndefined()
    await cluster.open(leader)
    expect(reconnected).toEqual([leader])
  })

  test('is closed for good, also while a connection is being opened', async () => {
    const cluster = createCluster()
    await cluster.connect()
    const [leader] = (await cluster.metadata(['cluster.topic'])).get('cluster.topic')!.leaders as [number]
    const opening = cluster.open(leader)
    const closed = cluster.close()
    await expect(opening).rejects.toThrow()
    await closed
    await expect(cluster.metadata([])).rejects.toThrow()
    await cluster.close()
  })
})

describe('no cluster', () => {
  test('nobody listens: an error after connectTimeoutMs, which says where was looked', async () => {
    const error = await catchRejection(createCluster({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 300 }).connect())
    expect(error).toMatchObject({ code: 'BROKERS_UNREACHABLE', outcome: 'not_sent', retriable: true })
    expect(error.message).toContain('no answer from 127.0.0.1:1 within connectTimeoutMs (300 ms)')
  })

  /** Takes connections and never says a word. */
  async function listenInSilence(): Promise<{ address: string; arrived: Promise<void> }> {
    const arrived = Promise.withResolvers<void>()
    const server = createServer(() => arrived.resolve()).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, arrived: arrived.promise }
  }

  test('somebody listens and never answers: the same', async () => {
    const { address } = await listenInSilence()
    const profile = { ...defaultProfile, requestTimeoutMs: 60_000 }
    const silent = createCluster({ brokers: [address], connectTimeoutMs: 300, profile })
    expect(await catchRejection(silent.connect())).toMatchObject({ code: 'BROKERS_UNREACHABLE', outcome: 'not_sent' })
  })

  test('close does not wait for who never answers', async () => {
    const { address, arrived } = await listenInSilence()
    const silent = createCluster({ brokers: [address], connectTimeoutMs: 60_000 })
    const connecting = catchRejection(silent.connect())
    await arrived
    await silent.close()
    expect(await connecting).toMatchObject({ outcome: 'not_sent' })
  })

  test('a broker without the TLS that is asked for is no cluster', async () => {
    const tls = { ...createDriverOptions().tls, enabled: true }
    const error = await catchRejection(createCluster({ tls, connectTimeoutMs: 300 }).connect())
    expect(error.outcome).toBe('not_sent')
  })
})
