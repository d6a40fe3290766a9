import { describe, expect, test } from 'vitest'
import type { ConsumingDriverModule } from '../../../src/driver/driver-consumer.ts'
import type { DriverFailure } from '../../../src/driver/driver.ts'
import { createMessaging, ProducerManifest, type ReceivedMessage } from '../../../src/index.ts'
import { createMemoryDriver } from '../../../src/testing.ts'
import { createDriverOptions } from '../../driver/driver-options.ts'
import { recordEvents } from '../../record-events.ts'
import { Collected, handling, numberOf, range, Sent, setUp, type Item } from '../consume.ts'

class Doubled extends ProducerManifest<Item> {
  override readonly topic = 'doubled'
}

const consumer = { commit: 'transaction' } as const

const doubled = (message: ReceivedMessage<Item>): Item => ({ n: 2 * numberOf(message) })

const numbersIn = (driver: { records(topic: string): readonly { value: Buffer | null }[] }): number[] =>
  driver.records('doubled').map(({ value }) => (JSON.parse(String(value)) as Item).n)

test('what a handler sends becomes visible together with the offset of its message', async () => {
  await using setup = setUp({ consumer })
  const committed = setup.heard('offset.committed')
  const inside = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const Items = handling(async (message, { transaction }) => {
    await transaction.send(Doubled, doubled(message))
    void transaction.sendMany(Doubled, [doubled(message)])
    inside.resolve()
    await goOn.promise
  })
  await setup.send(range(1, 3))
  await using _ = await setup.messaging.consumers.run([Items])
  await inside.promise
  expect([numbersIn(setup.driver), setup.committed()]).toEqual([[], {}])
  goOn.resolve()
  expect((await committed.count(3)).map(({ offset }) => offset)).toEqual([1, 2, 3])
  expect(numbersIn(setup.driver)).toEqual([2, 2, 4, 4, 6, 6])
  expect(setup.committed()).toEqual({ 'items/0': 3 })
})

test('what it sent before it failed is never seen, and each message is there once', async () => {
  await using setup = setUp({ consumer })
  const committed = setup.heard('offset.committed')
  const Items = handling(async (message, { transaction }) => {
    await transaction.send(Doubled, doubled(message))
    if (message.attempt < 3) throw new Error('no')
  })
  await setup.send(range(1, 2))
  await using _ = await setup.messaging.consumers.run([Items])
  await committed.count(2)
  expect(numbersIn(setup.driver)).toEqual([2, 4])
})

test('a send that fails aborts the transaction, also where nobody awaits it, and is an attempt', async () => {
  await using setup = setUp({ consumer: { ...consumer, retryAttempts: 2 } })
  const stored = setup.heard('message.dead_lettered')
  const Items = handling((_, { transaction }) => {
    void transaction.send(Doubled, { n: 1 })
    void transaction.send(Doubled, { n: 1 }, { partition: 9 })
  })
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  await stored.count(1)
  expect(numbersIn(setup.driver)).toEqual([])
})

test('a dead letter and the offset are one transaction', async () => {
  await using setup = setUp({ consumer: { ...consumer, retryAttempts: 1 } })
  const stored = setup.heard('message.dead_lettered')
  const errored = setup.heard('consumer.errored')
  const Items = handling(() => Promise.reject(new Error('no')))
  let refused = 0
  setup.driver.failWhen(({ topic }) =>
    topic === 'items.dead-letter' && refused++ === 0 ? { code: 'BROKER_UNAVAILABLE', reason: 'no' } : undefined,
  )
  await setup.send([1])
  const transactions = setup.heard('transaction.committed')
  await using _ = await setup.messaging.consumers.run([Items])
  await stored.count(1)
  expect(errored.values).toMatchObject([{ error: { code: 'DEAD_LETTER_FAILED' } }])
  expect(setup.driver.records('items.dead-letter')).toHaveLength(1)
  expect(setup.committed()).toEqual({ 'items/0': 1 })
  expect(transactions.values).toHaveLength(1)
})

test('so are a message on its way to a retry topic and the offset, and its later attempt is a transaction', async () => {
  const later = { retryAttempts: 1, retryLaterMs: [1], retryOrder: 'none' } as const
  await using setup = setUp({ consumer: { ...consumer, ...later } })
  const deferred = setup.heard('message.deferred')
  const committed = setup.heard('offset.committed')
  const Items = handling(async (message, { transaction }) => {
    await transaction.send(Doubled, doubled(message))
    if (numberOf(message) === 1 && message.attempt === 1) throw new Error('no')
  })
  await setup.send(range(1, 2))
  await using _ = await setup.messaging.consumers.run([Items])
  await deferred.count(1)
  await committed.count(3)
  expect(numbersIn(setup.driver).toSorted((a, b) => a - b)).toEqual([2, 4])
  expect(setup.committed()).toEqual({ 'items/0': 2, [`items.g.retry-1/0`]: 1 })
})

test('what the filter leaves out and what is skipped is committed too, but not beside an open transaction', async () => {
  await using setup = setUp({ consumer: { ...consumer, onFailure: 'skip', retryAttempts: 1 } })
  const rejected = setup.heard('message.rejected')
  const committed = setup.heard('offset.committed')
  const inside = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  class Items extends handling(async (message, { transaction }) => {
    if (numberOf(message) === 4) throw new Error('no')
    await transaction.send(Doubled, doubled(message))
    inside.resolve()
    await goOn.promise
  }) {
    override filter = ({ offset }: { offset: number }): boolean => offset % 2 === 1
  }
  await setup.send(range(1, 2))
  await using running = await setup.messaging.consumers.run([Items])
  await inside.promise
  expect(running.health().consumers).toMatchObject([{ partitions: [{ position: 1, committed: undefined }] }])
  expect(setup.committed()).toEqual({})
  goOn.resolve()
  await committed.count(1)
  await setup.send(range(3, 5))
  await rejected.count(1)
  while (setup.committed()['items/0'] !== 5) await new Promise(setImmediate)
  expect(numbersIn(setup.driver)).toEqual([4])
})

test('a partition that is taken away aborts the transaction at once, and its message comes again', async () => {
  await using setup = setUp({ consumer })
  const aborted = setup.heard('transaction.aborted')
  const committed = setup.heard('offset.committed')
  const calls: AbortSignal[] = []
  const Items = handling(async (message, { transaction, signal }) => {
    await transaction.send(Doubled, doubled(message))
    if (calls.push(signal) > 1) return
    setup.driver.endSessions('g')
    await new Promise(() => undefined)
  })
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  await committed.count(1)
  expect(aborted.values).toHaveLength(1)
  expect(calls.map(({ aborted: isAborted }) => isAborted)).toEqual([true, false])
  expect(numbersIn(setup.driver)).toEqual([2])
})

test('a handler that does not end by the time to stop is aborted, and nothing of it is committed', async () => {
  await using setup = setUp({ consumer, stopTimeoutMs: 10 })
  const inside = Promise.withResolvers<void>()
  const aborted = setup.heard('transaction.aborted')
  const Items = handling(async (message, { transaction }) => {
    await transaction.send(Doubled, doubled(message))
    inside.resolve()
    await new Promise(() => undefined)
  })
  await setup.send([1])
  const running = await setup.messaging.consumers.run([Items])
  await inside.promise
  await running.stop()
  await aborted.count(1)
  expect([numbersIn(setup.driver), setup.committed()]).toEqual([[], {}])
})

test('a fenced producer is replaced; its message comes again, however often, and is no dead letter', async () => {
  await using setup = setUp({ consumer: { ...consumer, retryAttempts: 1 }, transactionalId: 'shop-1' })
  const committed = setup.heard('offset.committed')
  let fenced = 0
  const Items = handling(async (message, { transaction }) => {
    await transaction.send(Doubled, doubled(message))
    if (fenced++ < 3)
      await setup.driver.createDriver(createDriverOptions({ transaction: { id: 'shop-1.Items.0', timeoutMs: 1 } }))
  })
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  await committed.count(1)
  expect(numbersIn(setup.driver)).toEqual([2])
  expect(setup.driver.records('items.dead-letter')).toEqual([])
})

test('attempts that the broker ended are not counted against the handler', async () => {
  await using setup = setUp({ consumer: { ...consumer, retryAttempts: 2 }, transactionalId: 'shop-1' })
  const committed = setup.heard('offset.committed')
  let calls = 0
  const Items = handling(async () => {
    if (++calls === 1)
      await setup.driver.createDriver(createDriverOptions({ transaction: { id: 'shop-1.Items.0', timeoutMs: 1 } }))
    if (calls === 2) throw new Error('no')
  })
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  await committed.count(1)
  expect(calls).toBe(3)
})

describe('a commit whose answer is lost', () => {
  /** Its first commit has an end that nobody hears of. */
  function startWith(isCommitted: boolean) {
    const memory = createMemoryDriver({ partitions: 1 })
    let commits = 0
    const driver: ConsumingDriverModule = {
      ...memory,
      async createDriver(options) {
        const made = await memory.createDriver(options)
        const { transactions } = made
        if (!transactions) return made
        const commit = async (): Promise<DriverFailure | undefined> => {
          if (commits++ > 0) return transactions.commit()
          if (isCommitted) await transactions.commit()
          return { code: 'REQUEST_TIMED_OUT', reason: 'no answer', fatal: true }
        }
        return {
          ...made,
          transactions: {
            begin: () => transactions.begin(),
            abort: () => transactions.abort(),
            sendOffsets: (...offsets) => transactions.sendOffsets(...offsets),
            commit,
          },
        }
      },
    }
    const settings = { ...consumer, group: 'g', retryDelayMs: 1 }
    return { memory, messaging: createMessaging({ driver, consumer: settings, transactionalId: 'a' }, {}) }
  }

  test.each([true, false])('is found out by the offset of the group; committed: %s', async (isCommitted) => {
    const { memory, messaging } = startWith(isCommitted)
    await using _ = messaging
    const committed = recordEvents('offset.committed')
    const seen = new Collected<number>()
    const Items = handling(async (message, { transaction }) => {
      seen.add(numberOf(message))
      await transaction.send(Doubled, doubled(message))
    })
    await messaging.registry.sendMany(Sent, [{ n: 1 }, { n: 2 }])
    await messaging.consumers.run([Items])
    while (committed.length < 2) await new Promise(setImmediate)
    expect(seen.values).toEqual(isCommitted ? [1, 2] : [1, 1, 2])
    expect(numbersIn(memory)).toEqual([2, 4])
  })
})

test('a transaction that takes too long is an attempt, and the next one begins when the handler has ended', async () => {
  await using setup = setUp({ consumer, transactionTimeoutMs: 1000 })
  const committed = setup.heard('offset.committed')
  const aborted = setup.heard('transaction.aborted')
  const steps: string[] = []
  const slow = Promise.withResolvers<void>()
  const Items = handling(async (message, { transaction }) => {
    steps.push(`${message.attempt} begins`)
    await transaction.send(Doubled, doubled(message))
    if (message.attempt === 1) await slow.promise
    steps.push(`${message.attempt} ends`)
  })
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  await aborted.count(1)
  slow.resolve()
  await committed.count(1)
  expect(steps).toEqual(['1 begins', '1 ends', '2 begins', '2 ends'])
  expect(numbersIn(setup.driver)).toEqual([2])
})

test('partitions have transactions side by side, each by a client of its own, which are let go on stop', async () => {
  await using setup = setUp({ consumer }, { partitions: 2 })
  const both = new Collected<number>()
  const Items = handling(async (message, { transaction }) => {
    both.add(message.partition)
    await both.count(2)
    await transaction.send(Doubled, doubled(message), { partition: 0 })
  })
  const committed = setup.heard('offset.committed')
  await setup.send([1], 0)
  await setup.send([2], 1)
  const running = await setup.messaging.consumers.run([Items])
  await committed.count(2)
  expect(setup.messaging.registry.status().clients).toHaveLength(3)
  await running.stop()
  while (setup.messaging.registry.status().clients.length > 1) await new Promise(setImmediate)
  expect(numbersIn(setup.driver).toSorted((a, b) => a - b)).toEqual([2, 4])
})

test('in other modes there is no transaction, and it says what to set', async () => {
  await using setup = setUp()
  const refused = new Collected<unknown>()
  const Items = handling((_, { transaction }) =>
    transaction.send(Doubled, { n: 1 }).catch((error: unknown) => refused.add(error)),
  )
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  expect(await refused.count(1)).toMatchObject([
    { code: 'INPUT_INVALID', manifest: 'Items', message: expect.stringContaining(`set it to 'transaction'`) },
  ])
})

test('a driver that has no transactions is refused when the consumer is started', async () => {
  const memory = createMemoryDriver()
  const driver: ConsumingDriverModule = {
    ...memory,
    createDriver: async (options) => ({ ...(await memory.createDriver(options)), transactions: undefined }),
  }
  await using messaging = createMessaging({ driver, consumer: { ...consumer, group: 'g' } }, {})
  await expect(messaging.consumers.run([handling(() => undefined)])).rejects.toMatchObject({
    code: 'TRANSACTION_INVALID',
    message: expect.stringContaining('has no transactions'),
  })
  expect(memory.openClients).toBe(0)
})

test('settings that contradict it are refused', async () => {
  await using setup = setUp({ consumer: { ...consumer, keyConcurrency: 2 } })
  await expect(setup.messaging.consumers.run([handling(() => undefined)])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('consumers.Items.keyConcurrency'),
  })
  const Dirty = handling(() => undefined, { keyConcurrency: 1, isolation: 'uncommitted' })
  await expect(setup.messaging.consumers.run([Dirty])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('consumers.Items.isolation'),
  })
})
