import { expect, test, vi } from 'vitest'
import type { NativeError, NativeProducer } from '../../../src/driver/confluent/native-module.ts'
import { NativeTransactions } from '../../../src/driver/confluent/native-transactions.ts'

type Done = (error: NativeError | null | undefined) => void

function create(methods: Partial<Record<keyof NativeProducer, unknown>>): NativeTransactions {
  return new NativeTransactions(methods as unknown as NativeProducer)
}

test('each call is librdkafka’s, and resolves with nothing when it went well', async () => {
  const calls: unknown[] = []
  const call =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push([name, ...args.slice(0, -1)])
      ;(args.at(-1) as Done)(null)
    }
  const transactions = create({
    initTransactions: call('init'),
    beginTransaction: call('begin'),
    commitTransaction: call('commit'),
    abortTransaction: call('abort'),
    sendOffsetsToTransaction: call('offsets'),
  })
  await transactions.init({ id: 'a', timeoutMs: 5 })
  const offsets = [{ topic: 'in', partition: 0, offset: 1 }]
  const consumer = {}
  const results = [
    await transactions.begin(),
    await transactions.sendOffsets(offsets, consumer),
    await transactions.commit(),
    await transactions.abort(),
  ]
  expect(results).toEqual([undefined, undefined, undefined, undefined])
  expect(calls).toEqual([
    ['init', 5],
    ['begin'],
    ['offsets', offsets, consumer, 10_000],
    ['commit', 10_000],
    ['abort', 10_000],
  ])
})

test.each([
  [
    { code: -185, message: 'timed out', isRetriable: true },
    { code: 'REQUEST_TIMED_OUT', retriable: true, fatal: false },
  ],
  [
    { code: -185, message: 'timed out' },
    { code: 'REQUEST_TIMED_OUT', retriable: false, fatal: false },
  ],
  [
    { code: -144, message: 'fenced', isFatal: true },
    { code: 'PRODUCER_FENCED', fatal: true },
  ],
  [
    { code: -172, message: 'state', isFatal: true },
    { code: 'DRIVER_FAILED', fatal: true },
  ],
])('%o becomes %o', async (error, failure) => {
  const transactions = create({ commitTransaction: (_: number, done: Done) => done(error) })
  expect(await transactions.commit()).toMatchObject({ ...failure, driverCode: error.code })
})

test('an identity that cannot be had is an error of the connect', async () => {
  const transactions = create({ initTransactions: (_: number, done: Done) => done({ code: 53, message: 'denied' }) })
  await expect(transactions.init({ id: 'a', timeoutMs: 5 })).rejects.toMatchObject({
    code: 'AUTHORIZATION_DENIED',
    outcome: 'not_sent',
  })
})

test('arguments that the binding refuses by throwing are a failure too', async () => {
  const transactions = create({
    sendOffsetsToTransaction: () => {
      throw new Error('Need to specify a consumer')
    },
  })
  expect(await transactions.sendOffsets([], undefined)).toEqual({
    code: 'TRANSACTION_INVALID',
    reason: 'Need to specify a consumer',
  })
})

test('close waits for the call under way, and later calls do not reach the producer', async () => {
  const commit = Promise.withResolvers<Done>()
  const begin = vi.fn()
  const transactions = create({
    commitTransaction: (_: number, done: Done) => commit.resolve(done),
    beginTransaction: begin,
  })
  const committed = transactions.commit()
  const order: string[] = []
  const closed = transactions.close().then(() => order.push('closed'))
  void committed.then(() => order.push('committed'))
  expect(await transactions.begin()).toMatchObject({ code: 'CLOSE_TIMED_OUT', fatal: true })
  expect(begin).not.toHaveBeenCalled()
  ;(await commit.promise)(null)
  await closed
  expect(order).toEqual(['committed', 'closed'])
})
