import { expect, test } from 'vitest'
import { createMessaging, type MessagingOptions } from '../../src/index.ts'
import { withMockCluster } from '../with-mock-cluster.ts'
import { Collected, handling, numberOf, range, Sent } from './consume.ts'

const cluster = withMockCluster()

const setUp = (consumer: MessagingOptions['consumer']) =>
  createMessaging({ brokers: cluster.brokers, driver: 'platformatic', closeOnExit: false, consumer }, {})

test('JavaScript: what was sent is handled, committed, and not handled again', async () => {
  await using messaging = setUp({ group: 'javascript', commitIntervalMs: 50, sessionTimeoutMs: 6_000 })
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

test('JavaScript: a slow partition is held back, the others go on, and nothing is lost or handled twice', async () => {
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

test('JavaScript: partitions are read without joining a group, from offsets on, and what is done is committed', async () => {
  await using messaging = setUp({ group: 'direct', commitIntervalMs: 50 })
  class Direct extends Sent {
    override readonly topic = 'direct' as never
  }
  const seen = new Collected<number>()
  const attributes = { topic: 'direct', partitions: [1], startFrom: { offsets: { 1: 3 } } }
  const Items = handling((message) => seen.add(numberOf(message)), attributes)
  const payloads = range(10, 14).map((n) => ({ n }))
  await messaging.registry.sendMany(Direct, payloads, { partition: 1 })
  const first = await messaging.consumers.run([Items])
  expect(await seen.count(2)).toEqual([13, 14])
  await first.stop()
  await messaging.registry.send(Direct, { n: 15 }, { partition: 1 })
  await using _ = await messaging.consumers.run([Items])
  await seen.count(3)
  expect(seen.values).toEqual([13, 14, 15])
})
