import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import { Collected, handling, numberOf, range, type Item } from '../consumer/consume.ts'

const brokers = process.env['KAFKA_BOOTSTRAP']!.split(',')

test.each([
  ['confluent', 'platformatic'],
  ['platformatic', 'confluent'],
] as const)(
  'members of the drivers %s and %s share a group: partitions move to the second and back, and nothing is handled twice',
  async (...drivers) => {
    const topic = `mixed-${randomUUID()}`
    const consumer = { group: topic, maxMessages: 1, commitIntervalMs: 100_000, heartbeatIntervalMs: 200 }
    const setUp = (driver: (typeof drivers)[number]) =>
      createMessaging({ brokers, driver, closeOnExit: false, consumer }, {})
    await using first = setUp(drivers[0])
    await using second = setUp(drivers[1])
    class Mixed extends ProducerManifest<Item> {
      override readonly topic = topic
      override readonly createTopic = 'if-missing'
      override readonly topicConfig = { partitions: 4 }
    }
    const send = async (numbers: readonly number[]): Promise<void> => {
      for (const n of numbers) await first.registry.send(Mixed, { n }, { partition: n % 4 })
    }
    const seen = new Collected<number>()
    const bySecond = new Collected<number>()
    const One = handling((message) => seen.add(numberOf(message)), { topic })
    const Two = handling((message) => (seen.add(numberOf(message)), bySecond.add(numberOf(message))), { topic })
    await send(range(1, 20))
    await first.consumers.run([One])
    await seen.count(20)
    const joined = await second.consumers.run([Two])
    // Until it has partitions of its own.
    let sent = 20
    while (bySecond.values.length === 0) await send(range(sent + 1, (sent += 4)))
    await seen.count(sent)
    await joined.stop()
    await send(range(sent + 1, (sent += 20)))
    await seen.count(sent)
    expect(seen.values.toSorted((a, b) => a - b)).toEqual(range(1, sent))
  },
)
