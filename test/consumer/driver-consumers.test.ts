import { describe, expect, test } from 'vitest'
import { createMessaging, type MessagingOptions } from '../../src/index.ts'
import { withMockCluster } from '../with-mock-cluster.ts'
import { Collected, handling, numberOf, range, Sent } from './consume.ts'

/** What each driver that talks to brokers does alike; what only librdkafka is asked: native-consumers.test.ts. */
describe.each([
  { driver: 'confluent', protocol: 'consumer' },
  { driver: 'platformatic', protocol: 'classic' },
] as const)('$driver', ({ driver, protocol }) => {
  const cluster = withMockCluster()

  const setUp = (consumer: MessagingOptions['consumer']) =>
    createMessaging({ brokers: cluster.brokers, driver, closeOnExit: false, consumer: { protocol, ...consumer } }, {})

  test('what was sent is handled, committed, and not handled again', async () => {
    // Once somebody has left, the classic groups of the mock cluster take nearly a session to form again.
    await using messaging = setUp({ group: 'again', commitIntervalMs: 50, sessionTimeoutMs: 6_000 })
    const seen = new Collected<number>()
    const Items = handling((message) => seen.add(numberOf(message)))
    const payloads = range(1, 500).map((n) => ({ n }))
    await messaging.registry.sendMany(Sent, payloads, { partition: 0 })
    const first = await messaging.consumers.run([Items])
    expect(await seen.count(500)).toEqual(range(1, 500))
    await first.stop()
    await messaging.registry.send(Sent, { n: 501 }, { partition: 0 })
    await using _ = await messaging.consumers.run([Items])
    await seen.count(501)
    expect(seen.values.slice(500)).toEqual([501])
  })

  test('a slow partition is held back, the others go on, and nothing is lost or handled twice', async () => {
    await using messaging = setUp({ group: 'slow', bufferMaxBytes: 200 })
    const seen = new Collected<number>()
    const gate = Promise.withResolvers<void>()
    class Held extends Sent {
      override readonly topic = 'held' as never
    }
    const Items = handling(
      async (message) => {
        if (message.partition === 1) await gate.promise
        seen.add(numberOf(message))
      },
      { topic: 'held' },
    )
    const send = async (numbers: readonly number[], partition: number): Promise<void> => {
      const payloads = numbers.map((n) => ({ n }))
      await messaging.registry.sendMany(Held, payloads, { partition })
    }
    await send(range(1, 300), 1)
    await using running = await messaging.consumers.run([Items])
    await send(range(1001, 1300), 2)
    expect(await seen.count(300)).toEqual(range(1001, 1300))
    gate.resolve()
    expect((await seen.count(600)).slice(300)).toEqual(range(1, 300))
    expect(running.health()).toMatchObject({ isAlive: true, isReady: true })
  })

  test('partitions are read without joining a group, from offsets on, and what is done is committed', async () => {
    await using messaging = setUp({ group: 'direct', commitIntervalMs: 50 })
    class Direct extends Sent {
      override readonly topic = 'direct' as never
    }
    const seen = new Collected<number>()
    const attributes = { topic: 'direct', partitions: [1, 2], startFrom: { offsets: { 1: 3 } } }
    const Items = handling((message) => seen.add(numberOf(message)), attributes)
    for (const partition of [0, 1, 2]) {
      const payloads = range(partition * 10, partition * 10 + 4).map((n) => ({ n }))
      await messaging.registry.sendMany(Direct, payloads, { partition })
    }
    const first = await messaging.consumers.run([Items])
    await seen.count(7)
    const ofPartition = (partition: number) => seen.values.filter((n) => Math.floor(n / 10) === partition)
    expect([0, 1, 2].map(ofPartition)).toEqual([[], [13, 14], range(20, 24)])
    await first.stop()
    await messaging.registry.send(Direct, { n: 15 }, { partition: 1 })
    await using _ = await messaging.consumers.run([Items])
    await seen.count(8)
    expect(seen.values.slice(7)).toEqual([15])
  })
})
