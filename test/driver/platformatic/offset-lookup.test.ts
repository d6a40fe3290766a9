import { expect, test } from 'vitest'
import type { StartPosition } from '../../../src/driver/driver-consumer.ts'
import { normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import type { BrokerConnection } from '../../../src/driver/platformatic/broker-connection.ts'
import { OffsetLookup } from '../../../src/driver/platformatic/offset-lookup.ts'
import { PartitionLeaders } from '../../../src/driver/platformatic/partition-leaders.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { failureOf, namesOf } from './fake-coordinator.ts'

const library = await loadPlatformaticModule()

interface AskedTopic {
  readonly name: string
  readonly partitions: readonly { readonly partitionIndex: number; readonly timestamp: bigint }[]
}

/** Two brokers that answer with offsets or error numbers. */
function createLookup(answer: (broker: number, partition: number, timestamp: bigint) => bigint | { error: number }) {
  const asked: { broker: number; isolation: number; partitions: number[] }[] = []
  const cluster = {
    metadata: (topics: readonly string[] | 'all') =>
      Promise.resolve(
        new Map(
          namesOf(topics).map((topic) => [
            topic,
            topic === 'missing' ? { errorCode: 17, leaders: [] } : { errorCode: 0, leaders: [1, 2] },
          ]),
        ),
      ),
    failureOf,
    failureOfNumber: (number: number, detail?: string | null) => normalizeProtocolError(library, number, detail),
    reach: (broker: number) =>
      Promise.resolve({
        answer: (_name: string, _replica: number, isolation: number, topics: readonly AskedTopic[]) => {
          const { name, partitions } = topics[0]!
          asked.push({ broker, isolation, partitions: partitions.map((each) => each.partitionIndex) })
          return Promise.resolve({
            topics: [
              {
                name,
                partitions: partitions.map(({ partitionIndex, timestamp }) => {
                  const found = answer(broker, partitionIndex, timestamp)
                  return typeof found === 'bigint'
                    ? { partitionIndex, errorCode: 0, offset: found }
                    : { partitionIndex, errorCode: found.error, offset: -1n }
                }),
              },
            ],
          })
        },
      } as unknown as BrokerConnection),
  }
  const lookup = new OffsetLookup({
    cluster,
    leaders: new PartitionLeaders(cluster),
    isolation: 'committed',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
  })
  return { lookup, asked }
}

const at = (partition: number, offset: StartPosition['offset'], topic = 'orders'): StartPosition => ({
  topic,
  partition,
  offset,
})

test('numbers are taken as they are; the rest is asked of each leader', async () => {
  const { lookup, asked } = createLookup((broker, _partition, timestamp) =>
    timestamp === -2n ? 3n : 10n * BigInt(broker),
  )
  const found = await lookup.find([at(0, 5), at(0, 'earliest'), at(1, 'latest')])
  expect(found.map(({ offset }) => offset)).toEqual([5, 3, 20])
  expect(asked).toEqual([
    { broker: 1, isolation: 1, partitions: [0] },
    { broker: 2, isolation: 1, partitions: [1] },
  ])
  await lookup.find([at(0, 'latest')], 'uncommitted')
  expect(asked.at(-1)).toMatchObject({ isolation: 0 })
})

test('a time beyond the last message is the end', async () => {
  const { lookup } = createLookup((_broker, _partition, timestamp) =>
    timestamp === -1n ? 42n : timestamp < 1000n ? 7n : -1n,
  )
  const found = await lookup.find([at(0, { timestamp: 999.9 }), at(1, { timestamp: 5000 })])
  expect(found.map(({ offset }) => offset)).toEqual([7, 42])
})

test('a leader that has moved is found and asked again', async () => {
  let answers = 0
  const { lookup, asked } = createLookup(() => (answers++ === 0 ? { error: 6 } : 9n))
  expect((await lookup.find([at(0, 'latest')]))[0]?.offset).toBe(9)
  expect(asked).toHaveLength(2)
})

test('what is not there is an error, at once', async () => {
  const { lookup } = createLookup(() => 0n)
  await expect(lookup.find([at(7, 'latest')])).rejects.toMatchObject({
    failure: { code: 'PARTITION_NOT_FOUND', reason: 'orders has 2 partitions' },
    topic: 'orders',
  })
  await expect(lookup.check([at(0, 0), at(2, 0)])).rejects.toMatchObject({ failure: { code: 'PARTITION_NOT_FOUND' } })
  await expect(lookup.check([at(0, 0, 'missing')])).rejects.toMatchObject({ failure: { code: 'TOPIC_INVALID' } })
  await lookup.check([at(0, 0), at(1, 0)])
})
