import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../../src/config/fields.ts'
import { DirectPartitions } from '../../../src/consumer/membership/direct-partitions.ts'
import { PartitionProgress } from '../../../src/consumer/partition/partition-progress.ts'
import type { StartPosition } from '../../../src/driver/driver-consumer.ts'
import { createDriverError } from '../../../src/driver/driver-error.ts'
import type { ConsumerPlan } from '../../../src/factory/create-consumer-plan.ts'
import { catchRejection } from '../../catch-error.ts'
import { Collected, handling, numberOf, range, Sent, setUp } from '../consume.ts'

interface Given {
  readonly group?: string
  readonly startFrom?: unknown
  readonly startPolicy?: string
  readonly partitions?: readonly number[] | 'all'
}

function direct({
  group = 'g',
  startFrom = 'earliest',
  startPolicy = 'if-uncommitted',
  partitions = 'all',
}: Given = {}) {
  const config = { startFrom, startPolicy }
  const plan = { name: 'M', group, config, partitions: new Map([['t', partitions]]) } as unknown as ConsumerPlan
  return new DirectPartitions(plan)
}

function progressAt(position: number | undefined): PartitionProgress {
  const progress = new PartitionProgress(false)
  if (position !== undefined) progress.doneUpTo(position - 1)
  return progress
}

/** A client of a topic with two partitions that end at 20, of which the second is committed at 5. */
function createClient() {
  const assigned: (readonly StartPosition[])[] = []
  let asked = 0
  return {
    assigned,
    get asked() {
      return asked
    },
    offsets: () => assigned.at(-1)!.map(({ partition, offset }) => [partition, offset]),
    partitionCount: () => Promise.resolve(2),
    committed: (of: readonly { topic: string; partition: number }[]) => {
      asked++
      return Promise.resolve(of.map((each) => ({ ...each, offset: each.partition === 1 ? 5 : -1 })))
    },
    watermarks: () => Promise.resolve({ low: 0, high: 20 }),
    assign: async (positions: readonly StartPosition[]) => void assigned.push(positions),
  }
}

test.each<[string, Given, unknown[]]>([
  [
    'where the group is, else where it starts',
    {},
    [
      [0, 'earliest'],
      [1, 5],
    ],
  ],
  [
    'at the end, as a number that stays',
    { startFrom: 'latest' },
    [
      [0, 20],
      [1, 5],
    ],
  ],
  [
    'at each start',
    { startFrom: { timestamp: 7 }, startPolicy: 'always' },
    [
      [0, { timestamp: 7 }],
      [1, { timestamp: 7 }],
    ],
  ],
  [
    'at offsets',
    { startFrom: { offsets: { 0: 3 } } },
    [
      [0, 3],
      [1, 5],
    ],
  ],
  [
    'at offsets that say nothing of a partition',
    { startFrom: { offsets: { 1: 3 } }, startPolicy: 'always' },
    [
      [0, 'earliest'],
      [1, 3],
    ],
  ],
  [
    'without a group',
    { group: '' },
    [
      [0, 'earliest'],
      [1, 'earliest'],
    ],
  ],
  ['of some partitions', { partitions: [1] }, [[1, 5]]],
])('partitions are read from %s', async (_name, given, expected) => {
  const client = createClient()
  const partitions = await direct(given).begin(client)
  expect(client.offsets()).toEqual(expected)
  expect(partitions).toEqual(expected.map((of) => ({ topic: 't', partition: (of as unknown[])[0] })))
  expect(client.asked).toBe(given.group === '' ? 0 : 1)
})

test('a client that takes over goes on where the one before was, or where it started', async () => {
  const source = direct({ group: '', startFrom: 'latest' })
  const client = createClient()
  await source.begin(client)
  source.ended({ topic: 't', partition: 1, progress: progressAt(25) })
  source.ended({ topic: 't', partition: 0, progress: progressAt(undefined) })
  await source.begin({ ...client, watermarks: () => Promise.resolve({ low: 0, high: 30 }) })
  expect(client.offsets()).toEqual([
    [0, 20],
    [1, 25],
  ])
})

test('a partition that is not there is refused', async () => {
  const error = await catchRejection(direct({ partitions: [0, 2] }).begin(createClient()))
  expect(error).toMatchObject({ code: 'PARTITION_NOT_FOUND', manifest: 'M', topic: 't' })
  expect(error.message).toContain('t has 2 partitions, and M names 2')
})

describe('in a run', () => {
  const consumer = (attributes: ConsumerOptions, seen: Collected<number>) =>
    handling((message) => seen.add(numberOf(message)), attributes)

  test('only what is named is read, and nothing of it is shared with others', async () => {
    await using setup = setUp({}, { partitions: 3 })
    const [seen, other] = [new Collected<number>(), new Collected<number>()]
    for (const partition of [0, 1, 2]) await setup.send([partition], partition)
    const running = await setup.messaging.consumers.run([
      class A extends consumer({ partitions: [0, 2], group: 'a' }, seen) {},
      class B extends consumer({ partitions: { items: 'all' }, group: 'b' }, other) {},
    ])
    expect((await seen.count(2)).toSorted((a, b) => a - b)).toEqual([0, 2])
    expect((await other.count(3)).toSorted((a, b) => a - b)).toEqual([0, 1, 2])
    const health = running.health()
    expect(health).toMatchObject({ isReady: true, isAlive: true })
    expect(health.consumers[0]!.partitions.map(({ partition }) => partition)).toEqual([0, 2])
    await running.stop()
  })

  test('with a group offsets are committed, and the next run goes on there', async () => {
    await using setup = setUp({ consumer: { partitions: [0] } })
    const seen = new Collected<number>()
    await setup.send(range(1, 3))
    const first = await setup.messaging.consumers.run([consumer({}, seen)])
    await seen.count(3)
    await first.stop()
    expect(setup.committed()).toEqual({ 'items/0': 3 })
    await setup.send([4])
    await using _ = await setup.messaging.consumers.run([consumer({}, seen)])
    expect(await seen.count(4)).toEqual(range(1, 4))
  })

  test('without a group nothing is committed, and each run starts where it says', async () => {
    await using setup = setUp({ consumer: { group: undefined, partitions: 'all', commitIntervalMs: 5 } })
    const committed = setup.heard('offset.committed')
    const seen = new Collected<number>()
    await setup.send(range(1, 3))
    for (const count of [3, 6]) {
      const running = await setup.messaging.consumers.run([consumer({}, seen)])
      await seen.count(count)
      await running.stop()
    }
    expect([seen.values, committed.values]).toEqual([[...range(1, 3), ...range(1, 3)], []])
  })

  test('retries, dead letters, pauses and seeks are as with a group', async () => {
    await using setup = setUp({ consumer: { group: undefined, partitions: 'all', retryAttempts: 2 } })
    const seen = new Collected<string>()
    const dead = setup.heard('message.dead_lettered')
    const Items = handling(
      (message) => {
        seen.add(`${numberOf(message)}#${message.attempt}`)
        if (numberOf(message) === 2) throw new Error('no')
      },
      { partitions: 'all' },
    )
    await setup.send(range(1, 3))
    await using running = await setup.messaging.consumers.run([Items])
    expect(await seen.count(4)).toEqual(['1#1', '2#1', '2#2', '3#1'])
    expect(dead.values).toMatchObject([{ offset: 1, deadLetterTopic: 'items.dead-letter' }])
    running.pause(Items, 'look at it')
    await running.seek(Items, { topic: 'items', partition: 0, offset: 2 })
    expect(running.health().consumers[0]!.pauses).toMatchObject([{ owner: 'operator' }])
    running.resume(Items)
    expect((await seen.count(5)).at(-1)).toBe('3#1')
  })

  test('a client that is replaced goes on where the one before was, without a group too', async () => {
    await using setup = setUp({ consumer: { group: undefined, partitions: 'all' } })
    let polls = 0
    const create = setup.driver.createConsumer.bind(setup.driver)
    Object.assign(setup.driver, {
      createConsumer: async (options: Parameters<typeof create>[0]) => {
        const client = await create(options)
        const poll = client.poll.bind(client)
        return Object.assign(client, {
          poll: async (...args: [number, number]) => {
            const messages = await poll(...args)
            const failure = createDriverError({ code: 'DRIVER_FAILED', reason: 'gone' })
            if (seen.values.length === 3 && polls++ === 0)
              options.listener.failed({ code: 'DRIVER_FAILED', reason: failure.message, fatal: true })
            return messages
          },
        })
      },
    })
    const replaced = setup.heard('consumer.replaced')
    const seen = new Collected<number>()
    await setup.send(range(1, 3))
    await using _ = await setup.messaging.consumers.run([consumer({}, seen)])
    await replaced.count(1)
    await setup.send([4])
    expect(await seen.count(4)).toEqual(range(1, 4))
  })

  test('a topic that is not there fails the start', async () => {
    await using setup = setUp({ consumer: { partitions: [0] } })
    const error = await catchRejection(setup.messaging.consumers.run([consumer({}, new Collected())]))
    expect(error).toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    expect(setup.driver.openClients).toBe(0)
    await setup.messaging.registry.send(Sent, { n: 1 })
  })
})
