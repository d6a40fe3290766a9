import { randomUUID } from 'node:crypto'
import { test } from 'vitest'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import type { Item } from '../consumer/consume.ts'
import { expectMovingPartitions } from '../consumer/expect-moving-partitions.ts'

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
    await expectMovingPartitions([first, second], Mixed)
  },
)
