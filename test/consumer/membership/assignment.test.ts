import { expect, test } from 'vitest'
import type { ActiveConsumer } from '../../../src/consumer/active-consumer.ts'
import { Assignment } from '../../../src/consumer/membership/assignment.ts'
import { BufferBudget } from '../../../src/consumer/partition/buffer-budget.ts'
import type { CommittedPosition, ConsumedMessage } from '../../../src/driver/driver-consumer.ts'
import { Collected } from '../consume.ts'

/** An assignment for consumers of these topics, whose handlers wait until they are let go. */
function setUp(...topics: readonly (readonly (string | RegExp)[])[]) {
  const told: string[] = []
  const commits: CommittedPosition[] = []
  const begun = new Collected<number>()
  const gate = Promise.withResolvers<void>()
  const consumers = topics.map((of, index) => ({
    plan: {
      name: `C${index}`,
      group: 'g',
      topics: of,
      subscription: of,
      retryTopics: { find: () => undefined },
      codec: { decode: (bytes: Buffer) => bytes },
      manifest: {
        handle: ({ offset }: { offset: number }) => {
          begun.add(offset)
          return gate.promise
        },
      },
      config: {
        commit: 'interval',
        maxMessages: 1,
        maxBytes: 100,
        bufferMaxBytes: 100,
        drainTimeoutMs: 5,
        blockedMs: 1e6,
        delayMs: 0,
        maxWaitMs: 0,
      },
    },
    pauses: { isPaused: false },
    middleware: { runs: [], list: { isEmpty: true } },
    works: new Set(),
    slots: { acquire: () => undefined, release: () => undefined },
    succeeded: () => undefined,
    watchBlocking: () => undefined,
    ledger: {
      handled: 0,
      publish: (
        name: string,
        details: () => { topic: string; partition: number; lost?: boolean; unfinished?: number },
      ) => {
        const { topic, partition, lost, unfinished } = details()
        const how = lost === undefined ? '' : `, lost: ${lost}, unfinished: ${unfinished}`
        if (name.startsWith('partition.')) told.push(`C${index} ${name.slice(10)} ${topic}/${partition}${how}`)
      },
    },
  }))
  const assignment = new Assignment({
    group: 'g',
    consumers: consumers as unknown as readonly ActiveConsumer[],
    commit: async (positions) => void commits.push(...positions),
    consumer: () => undefined,
    ended: ({ topic, partition }) => void told.push(`ended ${topic}/${partition}`),
    budget: new BufferBudget(1e6),
  })
  const add = (topic: string, offset: number): void => {
    const work = assignment.find({ topic, partition: 0 })!
    const message: ConsumedMessage = {
      topic,
      partition: 0,
      offset,
      timestamp: 0,
      key: null,
      value: null,
      headers: undefined,
    }
    work.add(message)
    work.goOn()
  }
  return { assignment, told, commits, begun, gate, add }
}

const of = (topic: string, partition = 0) => ({ topic, partition })

test('partitions belong to the consumer that names their topic, else to one whose pattern matches; told twice they are there once', () => {
  const { assignment, told } = setUp([/^a/], ['ab'])
  expect(assignment.isKnown).toBe(false)
  assignment.assigned([of('ab'), of('ac'), of('other')])
  assignment.assigned([of('ab'), of('ac', 1)])
  expect(told).toEqual(['C1 assigned ab/0', 'C0 assigned ac/0', 'C0 assigned ac/1'])
  expect(assignment.isKnown).toBe(true)
  expect(assignment.works.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual(['ab/0', 'ac/0', 'ac/1'])
})

test('what runs in a revoked partition ends and is committed before it is given up; the others stay', async () => {
  const { assignment, told, commits, begun, gate, add } = setUp(['a', 'b'])
  assignment.assigned([of('a'), of('b')])
  add('a', 4)
  await begun.count(1)
  const revoked = assignment.revoked([of('a'), of('unknown')])
  gate.resolve()
  await revoked
  expect(commits).toEqual([{ ...of('a'), offset: 5 }])
  expect(told.at(-1)).toBe('C0 revoked a/0, lost: false, unfinished: 0')
  expect(assignment.find(of('b'))).toBeDefined()
  expect(assignment.find(of('a'))).toBeUndefined()
})

test('what runs in a lost partition is aborted and never committed', async () => {
  const { assignment, told, commits, begun, gate, add } = setUp(['a'])
  assignment.assigned([of('a')])
  add('a', 4)
  await begun.count(1)
  assignment.lost([of('a')])
  gate.resolve()
  await assignment.committer.commit()
  expect([told.at(-1), commits]).toEqual(['C0 revoked a/0, lost: true, unfinished: 1', []])
})

test('what has not ended in time is counted', async () => {
  const { assignment, begun, add } = setUp(['a', 'b'])
  assignment.assigned([of('a'), of('b')])
  add('a', 1)
  await begun.count(1)
  expect(await assignment.end(1)).toBe(1)
  expect(assignment.works).toEqual([])
})

test('nothing begins in partitions that are assigned after the end', async () => {
  const { assignment, begun, add } = setUp(['a'])
  expect(await assignment.end(1)).toBe(0)
  assignment.assigned([of('a')])
  add('a', 1)
  expect([begun.values, assignment.works[0]!.isEnding]).toEqual([[], true])
})
