import { expect, test } from 'vitest'
import {
  assignPartitions,
  readAssignment,
  writeSubscription,
} from '../../../src/driver/platformatic/cooperative-sticky.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { namesOf } from './fake-coordinator.ts'

const library = await loadPlatformaticModule()

function cluster(counts: Record<string, number>) {
  return {
    metadata: (topics: readonly string[] | 'all') =>
      Promise.resolve(
        new Map(
          namesOf(topics)
            .filter((topic) => topic in counts)
            .map((topic) => [topic, { errorCode: 0, leaders: Array.from({ length: counts[topic]! }, () => 1) }]),
        ),
      ),
  }
}

async function assign(
  counts: Record<string, number>,
  members: Record<string, { topics?: string[]; owned?: [string, number][]; generation?: number }>,
) {
  const joined = Object.entries(members).map(
    ([memberId, { topics = Object.keys(counts), owned = [], generation = 1 }]) => ({
      memberId,
      metadata: writeSubscription(
        library,
        topics,
        owned.map(([topic, partition]) => ({ topic, partition })),
        generation,
      ),
    }),
  )
  const { assignments, partitionCounts } = await assignPartitions(library, joined, cluster(counts))
  const shares = (assignments as { memberId: string; assignment: Buffer }[]).map(
    ({ memberId, assignment }) =>
      [
        memberId,
        readAssignment(library, assignment)
          .map(({ topic, partition }) => `${topic}/${partition}`)
          .toSorted(),
      ] as const,
  )
  return { shares: Object.fromEntries(shares), partitionCounts }
}

test('what a member says of itself is Kafka’s ConsumerProtocolSubscription, with the generation where Java looked before version 2', () => {
  const bytes = writeSubscription(library, ['b', 'a'], [{ topic: 'a', partition: 1 }], 7)
  expect(bytes.toString('hex')).toBe(
    [
      '0003',
      '00000002',
      '000161',
      '000162',
      '00000004',
      '00000007',
      '00000001',
      '000161',
      '00000001',
      '00000001',
      '00000007',
      'ffff',
    ].join(''),
  )
})

test('a member alone gets everything; a topic that is not there has nothing, and is watched', async () => {
  const { shares, partitionCounts } = await assign({ a: 2 }, { one: { topics: ['a', 'missing'] } })
  expect(shares).toEqual({ one: ['a/0', 'a/1'] })
  expect(partitionCounts).toEqual(
    new Map([
      ['a', 2],
      ['missing', 0],
    ]),
  )
})

test('what goes from one member to another is given to nobody before it was given up', async () => {
  const owned: [string, number][] = [
    ['a', 0],
    ['a', 1],
    ['a', 2],
    ['a', 3],
  ]
  const first = await assign({ a: 4 }, { one: { owned }, two: {} })
  expect(first.shares['one']).toHaveLength(2)
  expect(first.shares['two']).toEqual([])
  const kept = first.shares['one']!.map((name): [string, number] => ['a', Number(name.at(-1))])
  const second = await assign({ a: 4 }, { one: { owned: kept }, two: {} })
  expect(second.shares['one']).toEqual(first.shares['one'])
  expect([...second.shares['one']!, ...second.shares['two']!].toSorted()).toEqual(['a/0', 'a/1', 'a/2', 'a/3'])
})

test('nothing assigned is nothing, whatever the coordinator writes for it', () => {
  expect(readAssignment(library, Buffer.alloc(0))).toEqual([])
})

test('a member that comes gets its part also where nobody has more than the quota', async () => {
  const having = (...partitions: number[]) => ({
    owned: partitions.map((partition): [string, number] => ['a', partition]),
  })
  const { shares } = await assign({ a: 6 }, { one: having(0, 1), two: having(2, 3), three: having(4, 5), four: {} })
  expect(Object.values(shares).map(({ length }) => length)).toContain(1)
})
