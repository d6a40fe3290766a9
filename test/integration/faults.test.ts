import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MessagingOptions } from '../../src/index.ts'
import { waysToCut } from '../kafka/breaking-proxy.ts'
import type { KafkaBroker } from '../kafka/kafka-broker.ts'
import type { KafkaPartition, SequenceAudit } from '../kafka/kafka-tools.ts'
import { seededRandom } from '../kafka/seeded-random.ts'
import { waitUntil } from '../kafka/wait-until.ts'
import { withBreakableCluster } from '../kafka/with-breakable-cluster.ts'
import type { LoadOptions, LoadResult } from '../lifecycle/programs/numbered-load.ts'
import { startProgram, type RunningProgram } from '../lifecycle/run-program.ts'

const drivers = ['confluent', 'platformatic'] as const
const partitions = 6

/** Not on a Kafka that somebody else runs: its brokers are killed. */
describe.skipIf(process.env.KAFKA_SASL_BOOTSTRAP === '')('three brokers', () => {
  const cluster = withBreakableCluster({ sasl: { users: {} } })
  const { proxies } = cluster

  async function newTopic(): Promise<string> {
    const topic = `faults.${randomUUID()}`
    await cluster.tools.createTopic(topic, { partitions, replicationFactor: 3 })
    return topic
  }

  function startLoad(options: LoadOptions): RunningProgram {
    const load = startProgram('numbered-load', JSON.stringify(options))
    onTestFinished(() => void load.child.kill('SIGKILL'))
    return load
  }

  /**
   * The load has ended, by itself. The topic holds what was acknowledged, and nothing that is said not to be sent, each
   * message once, unless it `mayRepeat`, and in order.
   */
  async function expectAllInOrder(
    load: RunningProgram,
    topic: string,
    mayRepeat = false,
  ): Promise<SequenceAudit & LoadResult> {
    const { code, stdout, stderr } = await load.end
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const result = JSON.parse(/^result (.*)$/m.exec(stdout)![1]!) as LoadResult
    const { acknowledged, notSent, unknown, sent, clients } = result
    const audit = await cluster.tools.auditSequences(topic)
    const { count, duplicated, reordered, astray, keys, producers } = audit
    console.log(`${count} messages by ${producers} idempotent producers, ${notSent.length + unknown.length} failed`)
    const missing = new Set<string>()
    for (const [key, total] of Object.entries(sent)) {
      const stored = keys[key] ?? { next: 0, missing: [] }
      for (const number of stored.missing) missing.add(`${number} ${key}`)
      for (let number = stored.next; number < total; number++) missing.add(`${number} ${key}`)
    }
    const failed = new Set([...notSent, ...unknown])
    const lost = [...missing].filter((message) => !failed.has(message))
    const sentAllTheSame = notSent.filter((message) => !missing.has(message))
    const none = { duplicated: mayRepeat ? duplicated : 0, reordered: 0, astray: 0, lost: [], sentAllTheSame: [] }
    expect({ duplicated, reordered, astray, lost, sentAllTheSame }).toEqual(none)
    expect(count - duplicated + missing.size).toBe(acknowledged + failed.size)
    expect(clients).toBe(1)
    return { ...audit, ...result }
  }

  async function expectNoFailure(load: RunningProgram, topic: string): Promise<SequenceAudit> {
    const result = await expectAllInOrder(load, topic)
    expect(result.failures).toEqual({})
    return result
  }

  describe.each(drivers)('%s', (driver) => {
    const through = (bootstrap: string): MessagingOptions => ({
      driver,
      brokers: bootstrap.split(','),
      connectTimeoutMs: 60_000,
    })

    test('brokers gone at the start, and again under load: what waits is sent when they are back', async () => {
      const topic = await newTopic()
      const goAndComeBack = async (): Promise<void> => {
        await Promise.all(proxies.map((proxy) => proxy.vanish()))
        await Promise.all(proxies.map(({ port }) => turnAway(port, 3)))
        await Promise.all(proxies.map((proxy) => proxy.reappear()))
      }
      await Promise.all(proxies.map((proxy) => proxy.vanish()))
      const load = startLoad({ messaging: through(cluster.kafka.proxyBootstrap!), topic })
      await goAndComeBack()
      for (let time = 0; time < 3; time++) {
        await load.printsAgain('acknowledged')
        await goAndComeBack()
      }
      await load.printsAgain('acknowledged')
      load.child.kill('SIGUSR2')
      await expectNoFailure(load, topic)
    }, 300_000)

    test('brokers gone for longer than deliveryTimeoutMs: what fails is said to, and the rest is in order', async () => {
      const topic = await newTopic()
      const producer = { deliveryTimeoutMs: 1000, requestTimeoutMs: 500 }
      const load = startLoad({ messaging: { ...through(cluster.kafka.proxyBootstrap!), producer }, topic })
      for (const way of waysToCut) {
        await load.printsAgain('acknowledged')
        for (const proxy of proxies) proxy.cut(way)
        await Promise.all(proxies.map((proxy) => proxy.vanish()))
        await load.printsAgain('failed DELIVERY_TIMED_OUT')
        await Promise.all(proxies.map((proxy) => proxy.reappear()))
      }
      await load.printsAgain('acknowledged')
      load.child.kill('SIGUSR2')
      // Where messages time out librdkafka begins a new sequence, in which it sends again what was on the wire beside them.
      const { unknown } = await expectAllInOrder(load, topic, driver === 'confluent')
      expect(unknown).not.toEqual([])
    }, 300_000)

    test('a broker killed and returned, one restarted, leaders moved: nothing is lost, doubled or swapped', async () => {
      const topic = await newTopic()
      const load = startLoad({ messaging: through(cluster.kafka.bootstrap), topic })
      const [first, second] = cluster.kafka.brokers as [KafkaBroker, KafkaBroker]
      const partitionsAre = (what: string, areSo: (partition: KafkaPartition) => boolean): Promise<void> =>
        waitUntil(what, async () => (await cluster.tools.describeTopic(topic)).every(areSo), 60_000)
      const replicated = (): Promise<void> => partitionsAre('in sync', ({ inSync }) => inSync.length === 3)
      const goesOn = (): Promise<void> => load.printsAgain('acknowledged')
      await goesOn()
      await first.kill()
      await partitionsAre('led by others', ({ leader }) => leader !== null && leader !== first.nodeId)
      await goesOn()
      await first.start()
      await replicated()
      for (let partition = 0; partition < partitions; partition++) {
        await cluster.tools.moveLeader(topic, partition, first.nodeId)
        await goesOn()
      }
      await second.stop()
      await goesOn()
      await second.start()
      await replicated()
      await goesOn()
      load.child.kill('SIGUSR2')
      await expectNoFailure(load, topic)
    }, 300_000)

    test('another password while messages are queued, and no login by the old one: the same', async () => {
      const topic = await newTopic()
      const user = randomUUID()
      await cluster.tools.setScramPassword(user, 'first')
      const load = startLoad({
        messaging: {
          ...through(cluster.kafka.saslBootstrap!),
          sasl: { mechanism: 'scram-sha-256', username: user, password: 'first' },
        },
        topic,
        nextPassword: 'second',
      })
      await load.printed('acknowledged')
      const [first, second] = cluster.kafka.brokers as [KafkaBroker, KafkaBroker]
      // Messages wait for this one while the password changes.
      await first.kill()
      await cluster.tools.setScramPassword(user, 'second')
      load.child.kill('SIGHUP')
      await load.printed('rotated')
      await load.printsAgain('acknowledged')
      await first.start()
      await second.stop()
      await load.printsAgain('acknowledged')
      await second.start()
      await load.printsAgain('acknowledged')
      load.child.kill('SIGUSR2')
      await expectNoFailure(load, topic)
    }, 300_000)

    test('connections cut every 0.5 to 1.5 s while a million messages are sent: the same', async () => {
      const topic = await newTopic()
      const before = cluster.cuts
      const stops = proxies.map((proxy, index) => proxy.cutEvery(seededRandom(index), 500, 1500))
      onTestFinished(() => stops.forEach((stop) => stop()))
      const load = startLoad({ messaging: through(cluster.kafka.proxyBootstrap!), topic, total: 1_000_000 })
      const { producers } = await expectNoFailure(load, topic)
      console.log(`${cluster.cuts - before} connections cut`)
      expect(cluster.cuts - before).toBeGreaterThan(10)
      // Otherwise it says nothing of the changes between them that the load asks for.
      if (driver === 'confluent') expect(producers).toBeGreaterThan(1)
    }, 300_000)
  })
})

/** Resolves when clients have come so many times, each time in vain. */
async function turnAway(port: number, times: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).resetAndDestroy()
    if (--times === 0) server.close()
  }).listen(port, '127.0.0.1')
  await once(server, 'close')
}
