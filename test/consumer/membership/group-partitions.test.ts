import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../../src/config/fields.ts'
import { GroupPartitions, planOf } from '../../../src/consumer/membership/group-partitions.ts'
import { PartitionProgress } from '../../../src/consumer/partition/partition-progress.ts'
import type { StartPosition } from '../../../src/driver/driver-consumer.ts'
import type { ConsumerPlan } from '../../../src/factory/create-consumer-plan.ts'
import { createMessaging } from '../../../src/index.ts'
import { Collected, handling, numberOf, range, Sent, setUp } from '../consume.ts'

const plan = (startFrom: unknown, startPolicy = 'if-uncommitted', topics: readonly (string | RegExp)[] = ['t']) =>
  ({
    topics,
    subscription: [...topics, 'retry'],
    retryTopics: { find: (topic: string) => (topic === 'retry' ? {} : undefined) },
    config: { startFrom, startPolicy },
  }) as unknown as ConsumerPlan
const partition = (number: number, topic = 't') => ({ topic, partition: number })

/** What is sought, where the group has committed these offsets. */
function clientWith(offsets: Record<number, number>) {
  const sought: StartPosition[] = []
  let asked = 0
  return {
    sought,
    offsets,
    get asked() {
      return asked
    },
    committed: (partitions: readonly { topic: string; partition: number }[]) => {
      asked++
      return Promise.resolve(partitions.map((of) => ({ ...of, offset: offsets[of.partition] ?? -1 })))
    },
    seek: async (position: StartPosition) => void sought.push(position),
  }
}

describe('the client starts by itself', () => {
  test.each([
    [['earliest'], 'earliest'],
    [['latest', 'latest'], 'latest'],
    [['latest', { agoMs: 5 }], 'earliest'],
  ])('%j: %s', (starts, expected) => {
    expect(GroupPartitions.startOfClient(starts.map((start) => plan(start)))).toBe(expected)
  })

  test.each(['earliest', 'latest'])('at %s, and nobody is asked', async (start) => {
    const client = clientWith({})
    await new GroupPartitions([plan(start)]).place([partition(0)], client)
    expect([client.asked, client.sought]).toEqual([0, []])
  })
})

describe('if-uncommitted', () => {
  test('a partition starts there where nothing is committed, each time until something is', async () => {
    const source = new GroupPartitions([plan({ timestamp: 500 })])
    const client = clientWith({ 1: 0 })
    const expected = { ...partition(0), offset: { timestamp: 500 } }
    await source.place([partition(0), partition(1)], client)
    expect(client.sought).toEqual([expected])
    await source.place([partition(0)], client)
    expect(client.sought).toEqual([expected, expected])
    client.offsets[0] = 9
    await source.place([partition(0)], client)
    expect(client.sought).toHaveLength(2)
  })

  test('each consumer has its own start, and partitions of others are left alone', async () => {
    const source = new GroupPartitions([
      plan('earliest'),
      plan('latest', undefined, [/^u/]),
      plan({ offsets: { 1: 4 } }, undefined, ['v']),
    ])
    const client = clientWith({})
    await source.place(
      [partition(0), partition(0, 'u'), partition(1, 'v'), partition(2, 'v'), partition(0, 'w')],
      client,
    )
    expect(client.sought).toEqual([
      { ...partition(0, 'u'), offset: 'latest' },
      { ...partition(1, 'v'), offset: 4 },
    ])
  })
})

describe('always', () => {
  test('once in a run: after something was committed, by whomever, a partition goes on there', async () => {
    const source = new GroupPartitions([plan('earliest', 'always')])
    const client = clientWith({ 0: 5, 1: 5 })
    await source.place([partition(0), partition(1)], client)
    // Nothing was done before it was given up.
    await source.place([partition(0)], client)
    expect(client.sought.map((position) => position.partition)).toEqual([0, 1, 0])
    client.offsets[0] = 7
    await source.place([partition(0)], client)
    // All that is there was handled again, so that the same offset is committed.
    source.ended({ ...partition(1), progress: Object.assign(new PartitionProgress(false), { committed: 5 }) })
    await source.place([partition(1)], client)
    expect(client.sought).toHaveLength(3)
  })

  test('a partition that comes later starts there, too; for the end that is when the run began', async () => {
    const before = Date.now()
    const source = new GroupPartitions([plan('latest', 'always')])
    const client = clientWith({ 1: 3 })
    await source.place([partition(0)], client)
    await source.place([partition(1)], client)
    expect(client.sought[0]).toEqual({ ...partition(0), offset: 'latest' })
    const { offset } = client.sought[1] as { offset: { timestamp: number } }
    expect(offset.timestamp).toBeGreaterThanOrEqual(before)
    expect(offset.timestamp).toBeLessThanOrEqual(Date.now())
  })
})

test('a retry topic starts at its beginning, wherever the others start: what is in it waits', async () => {
  const source = new GroupPartitions([plan('latest', 'always')])
  const client = clientWith({ 1: 7 })
  await source.place([partition(0, 'retry'), partition(1, 'retry')], client)
  expect(client.sought).toEqual([{ ...partition(0, 'retry'), offset: 'earliest' }])
})

test('a failure leaves the partition to be placed again', async () => {
  const source = new GroupPartitions([plan('earliest', 'always')])
  const client = clientWith({ 0: 5 })
  const failing = { ...client, seek: () => Promise.reject(new Error('no')) }
  await expect(source.place([partition(0)], failing)).rejects.toThrow('no')
  await source.place([partition(0)], client)
  expect(client.sought).toHaveLength(1)
})

test('a topic belongs to who names it, else to whose pattern matches', () => {
  const [first, second] = [plan('earliest', undefined, [/^t/]), plan('earliest', undefined, ['t1'])]
  expect(['t1', 't2', 'x'].map((topic) => planOf([first, second], topic))).toEqual([second, first, undefined])
})

describe('in a run', () => {
  const sendTimed = async (setup: ReturnType<typeof setUp>, numbers: readonly number[], of = 0): Promise<void> => {
    for (const n of numbers) await setup.messaging.registry.send(Sent, { n }, { partition: of, timestamp: n * 1_000 })
  }

  test.each<[string, ConsumerOptions['startFrom'], number[]]>([
    ['a time', { timestamp: 3_000 }, [3, 4, 5]],
    ['a date as text', '1970-01-01T00:00:04Z', [4, 5]],
    ['an offset', { offsets: [1] }, [2, 3, 4, 5]],
    ['an offset of another partition', { offsets: { 1: 3 } }, range(1, 5)],
  ])('%s', async (_name, startFrom, expected) => {
    await using setup = setUp({ consumer: { startFrom } })
    const seen = new Collected<number>()
    await sendTimed(setup, range(1, 5))
    await using _ = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    expect(await seen.count(expected.length)).toEqual(expected)
  })

  test('what is committed counts, and with startPolicy always it does not', async () => {
    await using setup = setUp()
    const seen = new Collected<number>()
    const handle = (attributes: ConsumerOptions) => handling((message) => seen.add(numberOf(message)), attributes)
    await sendTimed(setup, range(1, 5))
    const first = await setup.messaging.consumers.run([handle({})])
    await seen.count(5)
    await first.stop()
    await sendTimed(setup, [6])
    const second = await setup.messaging.consumers.run([handle({ startFrom: { timestamp: 3_000 } })])
    await seen.count(6)
    await second.stop()
    await using _ = await setup.messaging.consumers.run([
      handle({ startFrom: { timestamp: 3_000 }, startPolicy: 'always' }),
    ])
    expect(await seen.count(10)).toEqual([...range(1, 6), 3, 4, 5, 6])
  })

  test('partitions that a rebalance gives start there once, and go on where they were when they come back', async () => {
    await using setup = setUp({ consumer: { startPolicy: 'always', startFrom: 'earliest' } }, { partitions: 2 })
    const seen = new Collected<number>()
    const Items = handling((message) => seen.add(numberOf(message)))
    await sendTimed(setup, [1, 2], 0)
    await sendTimed(setup, [11, 12], 1)
    await setup.messaging.consumers.run([Items])
    await seen.count(4)
    const assigned = setup.heard('partition.assigned')
    await using other = createMessaging({ driver: setup.driver, consumer: { group: 'g', commitIntervalMs: 5 } }, {})
    const running = await other.consumers.run([handling(() => undefined)])
    await assigned.count(1)
    await running.stop()
    await assigned.count(2)
    await sendTimed(setup, [3], 0)
    await sendTimed(setup, [13], 1)
    await seen.count(6)
    expect(seen.values.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 11, 12, 13])
  })

  test('a client that cannot be told where to start is replaced, and nothing is read from elsewhere', async () => {
    await using setup = setUp()
    let failures = 2
    const driver = {
      ...setup.driver,
      createConsumer: async (options: Parameters<typeof setup.driver.createConsumer>[0]) => {
        const consumer = await setup.driver.createConsumer(options)
        const seek = consumer.seek.bind(consumer)
        return Object.assign(consumer, {
          seek: (to: StartPosition) => (failures-- > 0 ? Promise.reject(new Error('not now')) : seek(to)),
        })
      },
    }
    await using messaging = createMessaging({ driver, consumer: { group: 'g', commitIntervalMs: 5 } }, {})
    const replaced = setup.heard('consumer.replaced')
    const seen = new Collected<number>()
    await sendTimed(setup, range(1, 5))
    await messaging.consumers.run([handling((message) => seen.add(numberOf(message)), { startFrom: { offsets: [3] } })])
    await seen.count(2)
    expect([seen.values, replaced.values.length]).toEqual([[4, 5], 2])
  })
})
