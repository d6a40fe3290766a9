import { expect, test } from 'vitest'
import type { Assignment } from '../../src/consumer/assignment.ts'
import type { PartitionWork } from '../../src/consumer/partition-work.ts'
import { PollLoop } from '../../src/consumer/poll-loop.ts'
import type { ConsumedMessage, DriverConsumer } from '../../src/driver/driver-consumer.ts'
import { Collected } from './consume.ts'

const message = (partition: number, offset: number): ConsumedMessage => ({
  topic: 't',
  partition,
  offset,
  timestamp: 0,
  key: null,
  value: null,
  headers: undefined,
})

/** A partition that is full with `room` messages. */
function createWork(partition: number, room: number) {
  const added: number[] = []
  const work = {
    topic: 't',
    partition,
    isEnding: false,
    isHeldAtDriver: false,
    lastProgressAt: 0,
    get isFull() {
      return added.length >= room
    },
    added,
    add: ({ offset }: ConsumedMessage) => void added.push(offset),
    goOn: () => undefined,
  }
  return work
}

/** A loop over these answers; then polls wait until the loop ends. */
function createLoop(works: readonly ReturnType<typeof createWork>[], answers: (readonly ConsumedMessage[] | Error)[]) {
  const polls = new Collected<number>()
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
    find: (_: string, partition: number) => works.find((work) => work.partition === partition),
  }
  const loop = new PollLoop({
    consumer: consumer as unknown as DriverConsumer,
    assignment: assignment as unknown as Assignment,
    failed: (thrown) => failures.push(thrown),
  })
  const stop = async (): Promise<void> => {
    const stopped = loop.stop()
    closed.resolve([message(0, 99)])
    await stopped
  }
  return { loop, polls, told, failures, stop }
}

const asWork = (work: ReturnType<typeof createWork>): PartitionWork => work as unknown as PartitionWork

test('messages go to their partitions; those of none, and those that come after the end, to nobody', async () => {
  const works = [createWork(0, 10), createWork(1, 10)]
  const { loop, polls, stop } = createLoop(works, [
    [message(0, 1), message(0, 2), message(1, 5), message(7, 1)],
    [message(1, 6), message(0, 3)],
  ])
  loop.start()
  await polls.count(3)
  await stop()
  expect(works.map(({ added }) => added)).toEqual([
    [1, 2, 3],
    [5, 6],
  ])
})

test('a poll that fails is told, and made again', async () => {
  const works = [createWork(0, 10)]
  const failure = new Error('no')
  const { loop, polls, failures, stop } = createLoop(works, [failure, [message(0, 1)]])
  loop.start()
  await polls.count(3)
  await stop()
  expect([failures, works[0]!.added]).toEqual([[failure], [1]])
})

test('a partition that stays full is paused until it has room; the others go on', async () => {
  const works = [createWork(0, 2), createWork(1, 10)]
  const { loop, polls, told, stop } = createLoop(works, [
    [message(0, 1), message(0, 2), message(1, 1)],
    [message(1, 2)],
  ])
  loop.start()
  await polls.count(3)
  expect([told.values, works[0]!.isHeldAtDriver, works[1]!.added]).toEqual([['pause 0'], true, [1, 2]])
  works[0]!.added.length = 0
  loop.hasRoom(asWork(works[0]!))
  expect([told.values, works[0]!.isHeldAtDriver]).toEqual([['pause 0', 'resume 0'], false])
  await stop()
})

test('a partition that gets room in time is not paused', async () => {
  const works = [createWork(0, 1)]
  const { loop, polls, told, stop } = createLoop(works, [[message(0, 1)]])
  loop.start()
  await polls.count(1)
  works[0]!.added.length = 0
  loop.hasRoom(asWork(works[0]!))
  await polls.count(2)
  expect(told.values).toEqual([])
  await stop()
})

test('it ends at once while it waits for room', async () => {
  const works = [createWork(0, 1)]
  const { loop, polls, told, stop } = createLoop(works, [[message(0, 1)]])
  loop.start()
  await polls.count(1)
  await stop()
  expect([told.values, polls.values.length]).toEqual([[], 1])
})
