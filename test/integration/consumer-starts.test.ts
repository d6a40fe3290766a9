import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../src/config/fields.ts'
import { createMessaging, ProducerManifest, type Messaging } from '../../src/index.ts'
import { catchRejection } from '../catch-error.ts'
import { Collected, handling, numberOf, range, type Item } from '../consumer/consume.ts'

const brokers = process.env['KAFKA_BOOTSTRAP']!.split(',')
const firstSecond = 1_700_000_000
const at = (second: number) => ({ timestamp: (firstSecond + second) * 1_000 })

/** A topic with a message for each second from 1 to 5 in each of two partitions, and consumers of it. */
async function setUp(messaging: Messaging) {
  const topic = `starts-${randomUUID()}`
  class Timed extends ProducerManifest<Item> {
    override readonly topic = topic
    override readonly createTopic = 'if-missing'
    // They are older than what is kept by default.
    override readonly topicConfig = { partitions: 2, config: { 'retention.ms': -1 } }
  }
  const send = async (second: number): Promise<void> => {
    for (const partition of [0, 1])
      await messaging.registry.send(Timed, { n: partition * 10 + second }, { partition, ...at(second) })
  }
  for (const second of range(1, 5)) await send(second)
  /** What a run with these settings handles first, in the order of the numbers. */
  const read = async (attributes: ConsumerOptions, count: number): Promise<number[]> => {
    const seen = new Collected<number>()
    const running = await messaging.consumers.run([
      handling((message) => seen.add(numberOf(message)), { topic, ...attributes }),
    ])
    await seen.count(count)
    await running.stop()
    return seen.values.toSorted((a, b) => a - b)
  }
  return { topic, send, read }
}

describe.each(['confluent', 'platformatic'] as const)('driver %s', (driver) => {
  test('a group starts at a time where nothing is committed, goes on where it is, and starts there again when it is told to', async () => {
    await using messaging = createMessaging({ brokers, driver, closeOnExit: false }, {})
    const { topic: group, send, read } = await setUp(messaging)
    const startFrom = new Date(at(4).timestamp)
    expect(await read({ group, startFrom }, 4)).toEqual([4, 5, 14, 15])
    await send(6)
    expect(await read({ group, startFrom }, 2)).toEqual([6, 16])
    expect(await read({ group, startFrom, startPolicy: 'always' }, 6)).toEqual([4, 5, 6, 14, 15, 16])
    await send(7)
    expect(await read({ group }, 2)).toEqual([7, 17])
  })

  test('partitions are read without a group from a time, from offsets, and with a group from where it is', async () => {
    await using messaging = createMessaging({ brokers, driver, closeOnExit: false }, {})
    const { topic: group, send, read } = await setUp(messaging)
    expect(await read({ partitions: 'all', startFrom: at(5) }, 2)).toEqual([5, 15])
    expect(await read({ partitions: [1], startFrom: { offsets: { 1: 2 } } }, 3)).toEqual([13, 14, 15])
    expect(await read({ partitions: [0], group }, 5)).toEqual(range(1, 5))
    await send(6)
    expect(await read({ partitions: [0], group }, 1)).toEqual([6])
  })

  test('partitions and topics that are not there fail the start', async () => {
    await using messaging = createMessaging({ brokers, driver, closeOnExit: false }, {})
    const { read } = await setUp(messaging)
    expect(await catchRejection(read({ partitions: [2] }, 1))).toMatchObject({ code: 'PARTITION_NOT_FOUND' })
    const missing = { partitions: [0], topic: `missing-${randomUUID()}` }
    expect(await catchRejection(read(missing, 1))).toMatchObject({ code: 'TOPIC_NOT_FOUND' })
  })
})
