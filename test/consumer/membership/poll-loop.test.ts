import { expect, test } from 'vitest'
import type { Assignment } from '../../../src/consumer/membership/assignment.ts'
import { BufferBudget, messageOverheadBytes } from '../../../src/consumer/partition/buffer-budget.ts'
import { PollLoop } from '../../../src/consumer/membership/poll-loop.ts'
import { ReadAhead } from '../../../src/consumer/partition/read-ahead.ts'
import type { ConsumedMessage, DriverConsumer } from '../../../src/driver/driver-consumer.ts'
import { Collected } from '../consume.ts'

const message = (partition: number, offset: number): ConsumedMessage => ({
  topic: 't',
  partition,
  offset,
  timestamp: 0,
  key: null,
  value: null,
  headers: undefined,
})

/** A partition that is full with `room` messages; `begun` has how many `polls` there were each time it was to go on. */
function createWork(partition: number, room: number, budget: BufferBudget, polls: Collected<number>) {
  const readAhead = new ReadAhead(budget, { bufferMaxBytes: room * messageOverheadBytes, maxWaitMs: 1 })
  const added: number[] = []
  const begun = new Collected<number>()
  return {
    topic: 't',
    partition,
    isEnding: false,
    lastProgressAt: 0,
    readAhead,
    added,
    begun,
    get isHeldBack() {
      return readAhead.isHeldBack
    },
    holdBack: () => readAhead.holdBack(),
    resume: () => readAhead.resume(),
    add: ({ offset }: ConsumedMessage) => {
      added.push(offset)
      readAhead.add(0)
    },
    goOn: () => begun.add(polls.values.length),
  }
}

/** A loop over these answers; then polls wait until the loop ends. */
function createLoop(rooms: readonly number[], answers: (readonly ConsumedMessage[] | Error)[], totalMaxBytes = 1e9) {
  const budget = new BufferBudget(totalMaxBytes)
  const polls = new Collected<number>()
  const works = rooms.map((room, partition) => createWork(partition, room, budget, polls))
  const told = new Collected<string>()
  const failures: unknown[] = []
  const closed = Promise.withResolvers<readonly ConsumedMessage[]>()
  const list = (partitions: readonly { partition: number }[]): string =>
    partitions.map(({ partition }) => partition).join(' ')
  const consumer = {
    poll: async () => {
      polls.add(0)
      const answer = answers.shift() ?? closed.promise
      if (answer instanceof Error) throw answer
      return answer
    },
    pause: (partitions: []) => told.add(`pause ${list(partitions)}`),
    resume: (partitions: []) => told.add(`resume ${list(partitions)}`),
  }
  const assignment = {
    works,
    find: ({ partition }: { readonly partition: number }) => works.find((work) => work.partition === partition),
  }
  const loop = new PollLoop({
    consumer: consumer as unknown as DriverConsumer,
    assignment: assignment as unknown as Assignment,
    budget,
    failed: (thrown) => failures.push(thrown),
  })
  const stop = async (): Promise<void> => {
    const stopped = loop.stop()
    closed.resolve([message(0, 99)])
    await stopped
  }
  return { loop, works, polls, told, failures, stop }
}

test('messages go to their partitions; those of none, and those that come after the end, to nobody', async () => {
  const { loop, works, polls, stop } = createLoop(
    [10, 10],
    [
      [message(0, 1), message(0, 2), message(1, 5), message(7, 1)],
      [message(1, 6), message(0, 3)],
    ],
  )
  loop.start()
  await polls.count(3)
  await stop()
  expect(works.map(({ added }) => added)).toEqual([
    [1, 2, 3],
    [5, 6],
  ])
})

test('what comes next is asked for before handlers begin, but not while a partition has enough', async () => {
  const { loop, works, stop } = createLoop([10, 1], [[message(0, 1)], [message(1, 1)]])
  loop.start()
  await works[1]!.begun.count(1)
  await stop()
  expect(works.map(({ begun }) => begun.values)).toEqual([[2], [2]])
})

test('it ends with the poll that is under way, also where a handler ends it', async () => {
  const { loop, works, polls, stop } = createLoop([10], [[message(0, 1)]])
  const stopped = Promise.withResolvers<void>()
  works[0]!.goOn = () => void stop().then(stopped.resolve)
  loop.start()
  await stopped.promise
  expect([polls.values.length, works[0]!.added]).toEqual([2, [1]])
})

test('a poll that fails while handlers run is told after them', async () => {
  const failure = new Error('no')
  const { loop, works, polls, failures, stop } = createLoop([10], [[message(0, 1)], failure, [message(0, 2)]])
  loop.start()
  await polls.count(4)
  await stop()
  expect([failures, works[0]!.added]).toEqual([[failure], [1, 2]])
})

test('a poll that fails is told, and made again', async () => {
  const failure = new Error('no')
  const { loop, works, polls, failures, stop } = createLoop([10], [failure, [message(0, 1)]])
  loop.start()
  await polls.count(3)
  await stop()
  expect([failures, works[0]!.added]).toEqual([[failure], [1]])
})

test('a partition that stays full is paused, the others go on; it is resumed once half of it is done', async () => {
  const answers = [[message(0, 1), message(0, 2), message(1, 1)], [message(1, 2)]]
  const { loop, works, polls, told, stop } = createLoop([2, 10], answers)
  loop.start()
  await polls.count(3)
  expect([told.values, works[0]!.isHeldBack, works[1]!.added]).toEqual([['pause 0'], true, [1, 2]])
  works[0]!.readAhead.done(0)
  expect(await told.count(2)).toEqual(['pause 0', 'resume 0'])
  expect(works[0]!.isHeldBack).toBe(false)
  await stop()
})

test('a partition that gets room in time is not paused', async () => {
  const { loop, works, polls, told, stop } = createLoop([1], [[message(0, 1)]])
  loop.start()
  await polls.count(1)
  await new Promise((resolve) => setImmediate(resolve))
  works[0]!.readAhead.done(0)
  await polls.count(2)
  expect(told.values).toEqual([])
  await stop()
})

test('what all of them hold together stops all of them, also those that hold nothing', async () => {
  const { loop, works, polls, told, stop } = createLoop(
    [100, 100],
    [[message(0, 1), message(0, 2)]],
    2 * messageOverheadBytes,
  )
  loop.start()
  await polls.count(2)
  expect(told.values).toEqual(['pause 0 1'])
  works[0]!.readAhead.done(0)
  expect((await told.count(2)).at(-1)).toBe('resume 1')
  works[0]!.readAhead.done(0)
  expect((await told.count(3)).at(-1)).toBe('resume 0')
  await stop()
})

test('it ends at once while it waits for room', async () => {
  const { loop, polls, told, stop } = createLoop([1], [[message(0, 1)]])
  loop.start()
  await polls.count(1)
  await stop()
  expect([told.values, polls.values.length]).toEqual([[], 1])
})
