import { expect, test } from 'vitest'
import { FetchedMessages } from '../../../src/driver/confluent/fetched-messages.ts'
import type { NativeError, NativeMessage, NativeReader } from '../../../src/driver/confluent/native-module.ts'
import type { DriverFailure } from '../../../src/driver/driver.ts'

type Receive = Parameters<NativeReader['consume']>[3]

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const message = (partition: number, offset: number, headers?: NativeMessage['headers']): NativeMessage => ({
  topic: 'orders',
  partition,
  offset,
  timestamp: 1,
  key: null,
  value: null,
  ...(headers && { headers }),
})
const placesOf = (messages: readonly { partition: number; offset: number }[]): string[] =>
  messages.map(({ partition, offset }) => `${partition}@${offset}`)

/** Native calls end when they are told with what. */
function createFetched() {
  const calls: { readonly maxMessages: number; readonly receive: Receive }[] = []
  const paused = new Set<string>()
  const failures: DriverFailure[] = []
  let taken = 0
  const fetched = new FetchedMessages({
    reader: { consume: (_, maxMessages, __, receive) => void calls.push({ maxMessages, receive }) },
    isPaused: (name) => paused.has(name),
    onTake: () => void taken++,
    onFailure: (failure) => failures.push(failure),
  })
  return {
    fetched,
    paused,
    failures,
    calls,
    get taken() {
      return taken
    },
    answer: (...messages: NativeMessage[]) => calls.at(-1)!.receive(null, messages),
    fail: (error: NativeError) => calls.at(-1)!.receive(error, []),
  }
}

test('what there is is taken, headers as pairs', async () => {
  const { fetched, calls, answer } = createFetched()
  const taking = fetched.take(10)
  expect(calls.map(({ maxMessages }) => maxMessages)).toEqual([10])
  answer(message(0, 1, [{ trace: Buffer.from('a') }, { trace: Buffer.from('b') }]))
  expect((await taking).map(({ headers }) => headers)).toEqual([
    [
      ['trace', Buffer.from('a')],
      ['trace', Buffer.from('b')],
    ],
  ])
})

test('an error is told in place of messages', async () => {
  const { fetched, failures, fail } = createFetched()
  const taking = fetched.take(10)
  fail({ code: 3, message: 'Broker: Unknown topic or partition' })
  expect(await taking).toEqual([])
  expect(failures).toMatchObject([{ code: 'TOPIC_NOT_FOUND', driverCode: 3 }])
})

test('what was paused during a call is held until it is resumed, and given in parts', async () => {
  const { fetched, paused, calls, answer } = createFetched()
  const taking = fetched.take(10)
  paused.add('orders/0')
  fetched.paused()
  answer(message(0, 1), message(1, 5), message(0, 2))
  expect(placesOf(await taking)).toEqual(['1@5'])
  paused.clear()
  expect(placesOf(await fetched.take(1))).toEqual(['0@1'])
  expect(placesOf(await fetched.take(10))).toEqual(['0@2'])
  expect(calls).toHaveLength(1)
})

test('what is dropped comes neither of a call under way nor of what is held', async () => {
  const { fetched, answer } = createFetched()
  const taking = fetched.take(10)
  fetched.drop('orders/0')
  answer(message(0, 1), message(1, 5))
  expect(placesOf(await taking)).toEqual(['1@5'])
  const looking = fetched.look()
  answer(message(0, 2))
  await looking
  fetched.drop('orders/0')
  const again = fetched.take(10)
  answer(message(0, 3))
  expect(placesOf(await again)).toEqual(['0@3'])
})

test('a look takes at most one message, which the next call gives, and none while another call is under way', async () => {
  const { fetched, calls, answer } = createFetched()
  const looking = fetched.look()
  expect(calls.map(({ maxMessages }) => maxMessages)).toEqual([1])
  await fetched.look()
  const taking = fetched.take(10)
  answer(message(0, 1))
  await looking
  expect([placesOf(await taking), calls.length]).toEqual([['0@1'], 1])
})

test('a partition is moved between two calls', async () => {
  const setup = createFetched()
  const { fetched, calls, answer } = setup
  const taking = fetched.take(10)
  const { promise: moved, resolve: finishMove } = Promise.withResolvers<void>()
  let hasBegun = false
  const moving = fetched.during('orders/0', () => {
    hasBegun = true
    return moved
  })
  await turn()
  expect(hasBegun).toBe(false)
  answer(message(0, 1))
  expect(await taking).toEqual([])
  const next = fetched.take(10)
  await turn()
  expect([hasBegun, calls.length, setup.taken]).toEqual([true, 1, 1])
  finishMove()
  await moving
  await turn()
  answer(message(0, 40))
  expect(placesOf(await next)).toEqual(['0@40'])
})

test('close waits for the call under way, and nothing is taken afterwards', async () => {
  const { fetched, calls, answer } = createFetched()
  const taking = fetched.take(10)
  let isClosed = false
  const closed = fetched.close().then(() => (isClosed = true))
  await turn()
  expect(isClosed).toBe(false)
  answer(message(0, 1))
  await closed
  expect(placesOf(await taking)).toEqual(['0@1'])
  expect([await fetched.take(10), calls.length]).toEqual([[], 1])
})
