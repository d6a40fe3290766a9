import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createMessaging, ProducerManifest, subscribe } from '../../src/index.ts'
import { Collected, handling, numberOf, range, type Item } from '../consumer/consume.ts'

const brokers = process.env['KAFKA_BOOTSTRAP']!.split(',')
// The shortest session that a broker grants by default, and librdkafka wants the poll interval to be no shorter.
const maxPollIntervalMs = 6_000

test.each(['confluent', 'platformatic'] as const)(
  'driver %s: a handler that takes three times maxPollIntervalMs keeps its member in the group, and other partitions go on',
  async (driver) => {
    const topic = `slow-${randomUUID()}`
    class Sent extends ProducerManifest<Item> {
      override readonly topic = topic
      override readonly createTopic = 'if-missing'
      override readonly topicConfig = { partitions: 2 }
    }
    await using messaging = createMessaging(
      {
        brokers,
        driver,
        closeOnExit: false,
        consumer: { group: topic, maxPollIntervalMs, sessionTimeoutMs: maxPollIntervalMs, heartbeatIntervalMs: 1_000 },
      },
      {},
    )
    let revoked = 0
    const stop = subscribe('partition.revoked', () => void revoked++)
    const assigned = new Collected<number>()
    const stopAssigned = subscribe('partition.assigned', ({ partition }) => assigned.add(partition))
    const seen = new Collected<number>()
    const Slow = handling(
      async (message) => {
        // The length of the work is what is tested.
        if (message.partition === 0) await delay(3 * maxPollIntervalMs)
        seen.add(numberOf(message))
      },
      { topic },
    )
    await messaging.registry.send(Sent, { n: 0 }, { partition: 0 })
    const running = await messaging.consumers.run([Slow])
    await assigned.count(2)
    const others = range(1, 15)
    for (const n of others) {
      await messaging.registry.send(Sent, { n }, { partition: 1 })
      await seen.count(n)
      // So that they spread over the whole time.
      await delay(1_000)
    }
    expect(seen.values).toEqual(others)
    expect(await seen.count(16)).toContain(0)
    expect([revoked, assigned.values.length]).toEqual([0, 2])
    await running.stop()
    expect(running.health().consumers[0]).toMatchObject({ handled: 16, rejected: 0 })
    stop()
    stopAssigned()
  },
)
