import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest'
import { createMessaging, type Transaction } from '../../src/index.ts'
import type { Driver, DriverFailure, DriverModule, DriverOptions } from '../../src/driver.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { messagingInMemory, order, OrderPaid, OrderPlaced } from './manifests.ts'
import { recordEvents } from '../record-events.ts'

const options = { transactionalId: 'shop-1' }

/** A memory driver whose transactions fail as the test says: the next failure of each call. */
function createFailingDriver() {
  const memory = createMemoryDriver()
  const next: Partial<Record<'begin' | 'commit' | 'abort', DriverFailure[]>> = {}
  const calls: string[] = []
  const given: DriverOptions[] = []
  const driver: DriverModule = {
    ...memory,
    async createDriver(driverOptions) {
      given.push(driverOptions)
      const inner = await memory.createDriver(driverOptions)
      if (!inner.transactions) return inner
      const { transactions } = inner
      const call = (name: 'begin' | 'commit' | 'abort') => (): Promise<DriverFailure | undefined> => {
        calls.push(name)
        const failure = next[name]?.shift()
        return failure ? Promise.resolve(failure) : transactions[name]()
      }
      const failing = {
        begin: call('begin'),
        commit: call('commit'),
        abort: call('abort'),
        sendOffsets: () => transactions.sendOffsets([], undefined),
      }
      return { ...inner, transactions: failing } satisfies Driver
    },
  }
  return { driver, memory, next, calls, given }
}

test('what is sent becomes visible together, after all of it is acknowledged, awaited or not', async () => {
  await using messaging = messagingInMemory(options)
  const { registry, driver } = messaging
  const committed = recordEvents('transaction.committed')
  const result = await registry.transaction(async (tx) => {
    expectTypeOf(tx).toEqualTypeOf<Transaction>()
    const report = await tx.send(OrderPlaced, order)
    expect(report).toMatchObject({ topic: 'orders.placed', offset: 0 })
    void tx.sendMany(OrderPaid, [order, order])
    void tx.tombstone(OrderPlaced, 'order-1')
    expect(driver.records()).toEqual([])
    return 'done'
  })
  expect(result).toBe('done')
  expect(driver.records()).toHaveLength(4)
  expect(committed).toMatchObject([{ sends: 3 }])
})

test('all manifests share one client with acks all and idempotence, apart from that of other sends', async () => {
  const { driver, given, memory } = createFailingDriver()
  await using messaging = createMessaging({ driver, ...options, producer: { acks: 1, deliveryTimeoutMs: 90_000 } }, {})
  const { registry } = messaging
  await registry.send(OrderPlaced, order)
  await registry.transaction(async (tx) => {
    await tx.send(OrderPlaced, order)
    await tx.send(OrderPaid, order)
  })
  await registry.transaction((tx) => void tx.send(OrderPaid, order))
  expect(given).toMatchObject([
    { profile: { acks: 1, idempotence: false, deliveryTimeoutMs: 90_000 }, transaction: undefined },
    {
      profile: { acks: 'all', idempotence: true, deliveryTimeoutMs: 60_000 },
      transaction: { id: 'shop-1', timeoutMs: 60_000 },
    },
  ])
  expect(memory.records()).toHaveLength(4)
})

describe('abort', () => {
  test('when the function throws: nothing is visible, and its own error comes out', async () => {
    await using messaging = messagingInMemory(options)
    const { registry, driver } = messaging
    const aborted = recordEvents('transaction.aborted')
    const mistake = new Error('out of stock')
    const transaction = registry.transaction(async (tx) => {
      await tx.send(OrderPlaced, order)
      throw mistake
    })
    await expect(transaction).rejects.toBe(mistake)
    expect(driver.records()).toEqual([])
    expect(aborted).toMatchObject([{ sends: 1, error: { code: 'TRANSACTION_ABORTED', cause: mistake } }])
    await registry.transaction((tx) => tx.send(OrderPlaced, order))
    expect(driver.records()).toHaveLength(1)
  })

  test('when the function throws at once: no timer holds the process', async () => {
    await using messaging = messagingInMemory(options)
    await messaging.registry.transaction((tx) => tx.send(OrderPlaced, order))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const transaction = messaging.registry.transaction(() => {
      throw new Error('at once')
    })
    await expect(transaction).rejects.toThrow('at once')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('messages that are still under way fail as part of it, and have their verdict by its end', async () => {
    await using messaging = messagingInMemory(options)
    const { registry, driver } = messaging
    await registry.transaction((tx) => tx.send(OrderPlaced, order))
    const release = driver.hold()
    const stop = driver.failWhen(() => ({ code: 'BROKER_UNAVAILABLE', reason: 'purged' }))
    let sent: Promise<unknown> | undefined
    const transaction = registry.transaction((tx) => {
      sent = tx.send(OrderPlaced, order)
      throw new Error('no')
    })
    release()
    await expect(transaction).rejects.toThrow('no')
    await expect(sent).rejects.toMatchObject({
      code: 'TRANSACTION_ABORTED',
      outcome: 'not_sent',
      manifest: 'OrderPlaced',
      cause: { code: 'BROKER_UNAVAILABLE' },
    })
    stop()
  })

  test('when a send fails, also one that nobody awaits: all failures are named', async () => {
    await using messaging = messagingInMemory({ ...options, producers: { OrderPaid: { maxMessageBytes: 10 } } })
    const { registry, driver } = messaging
    const transaction = registry.transaction((tx) => {
      void tx.send(OrderPlaced, order)
      void tx.send(OrderPaid, order)
    })
    await expect(transaction).rejects.toMatchObject({
      code: 'TRANSACTION_ABORTED',
      outcome: 'not_sent',
      retriable: false,
      failures: [{ index: 1, error: { code: 'MESSAGE_TOO_LARGE', manifest: 'OrderPaid' } }],
    })
    expect(driver.records()).toEqual([])
    await registry.transaction((tx) => tx.send(OrderPlaced, order))
    expect(driver.createdClients).toBe(1)
  })

  test('when it takes too long, so that it cannot hold up the others for ever', async () => {
    await using messaging = messagingInMemory({ ...options, transactionTimeoutMs: 1000 })
    const { registry, driver } = messaging
    await registry.transaction((tx) => tx.send(OrderPlaced, order))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const entered = Promise.withResolvers<void>()
    let late: Transaction | undefined
    const endless = registry.transaction((tx) => {
      late = tx
      entered.resolve()
      return new Promise(() => undefined)
    })
    const next = registry.transaction((tx) => tx.send(OrderPlaced, order))
    await entered.promise
    vi.advanceTimersByTime(1000)
    await expect(endless).rejects.toThrow('transactionTimeoutMs (1000 ms)')
    // It may go on for a while, and nobody awaits this one.
    void late!.send(OrderPlaced, order)
    await next
    expect(driver.records()).toHaveLength(2)
  })
})

describe('what the broker says to a commit', () => {
  const again = { code: 'REQUEST_TIMED_OUT', reason: 'slow', retriable: true } as const

  test('retriable: it is asked again', async () => {
    const { driver, memory, next, calls } = createFailingDriver()
    await using messaging = createMessaging({ driver, ...options }, {})
    next.commit = [again, again]
    await messaging.registry.transaction((tx) => tx.send(OrderPlaced, order))
    expect(calls).toEqual(['begin', 'commit', 'commit', 'commit'])
    expect(memory.records()).toHaveLength(1)
  })

  test('abortable: it is aborted, and the client goes on', async () => {
    const { driver, memory, next, calls } = createFailingDriver()
    await using messaging = createMessaging({ driver, ...options }, {})
    next.commit = [{ code: 'TRANSACTION_INVALID', reason: 'timed out at the broker' }]
    await expect(messaging.registry.transaction((tx) => tx.send(OrderPlaced, order))).rejects.toMatchObject({
      code: 'TRANSACTION_ABORTED',
      outcome: 'not_sent',
      cause: { code: 'TRANSACTION_INVALID' },
    })
    expect(calls).toEqual(['begin', 'commit', 'abort'])
    expect([memory.records().length, memory.createdClients]).toEqual([0, 1])
  })

  test('fenced: it is fatal, and the next transaction has a new client', async () => {
    const { driver, memory } = createFailingDriver()
    await using messaging = createMessaging({ driver, ...options }, {})
    await using other = createMessaging({ driver, ...options }, {})
    const { registry } = messaging
    const inside = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const fenced = registry.transaction(async (tx) => {
      await tx.send(OrderPlaced, order)
      inside.resolve()
      await goOn.promise
    })
    await inside.promise
    await other.registry.transaction((tx) => tx.send(OrderPaid, order))
    goOn.resolve()
    await expect(fenced).rejects.toMatchObject({ code: 'PRODUCER_FENCED', retriable: false })
    expect(memory.records('orders.placed')).toEqual([])
    await registry.transaction((tx) => tx.send(OrderPlaced, order))
    expect(memory.records('orders.placed')).toHaveLength(1)
    expect(memory.createdClients).toBe(3)
    await expect(other.registry.transaction(() => 1)).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  })

  test('nothing until the time is over: nobody knows, and the client is not used again', async () => {
    const { driver, memory, next } = createFailingDriver()
    await using messaging = createMessaging({ driver, ...options, transactionTimeoutMs: 1000 }, {})
    next.commit = Array.from({ length: 1000 }, () => again)
    await expect(messaging.registry.transaction((tx) => tx.send(OrderPlaced, order))).rejects.toMatchObject({
      code: 'REQUEST_TIMED_OUT',
      outcome: 'unknown',
      retriable: false,
    })
    next.commit = []
    await messaging.registry.transaction((tx) => tx.send(OrderPlaced, order))
    expect(memory.createdClients).toBe(2)
  })

  test('an abort that fails ends the client, whose messages nobody can vouch for', async () => {
    const { driver, memory, next } = createFailingDriver()
    await using messaging = createMessaging({ driver, ...options }, {})
    next.abort = [{ code: 'DRIVER_FAILED', reason: 'no' }]
    const mistake = new Error('mistake')
    const transaction = messaging.registry.transaction(() => Promise.reject(mistake))
    await expect(transaction).rejects.toBe(mistake)
    await messaging.registry.transaction((tx) => tx.send(OrderPlaced, order))
    expect(memory.createdClients).toBe(2)
  })
})

test('transactions run one after another, in the order they were asked for', async () => {
  await using messaging = messagingInMemory(options)
  const { registry } = messaging
  const steps: string[] = []
  const step = (name: string) => async (tx: Transaction) => {
    steps.push(`${name} begins`)
    await tx.send(OrderPlaced, order)
    steps.push(`${name} ends`)
  }
  await Promise.all([registry.transaction(step('a')), registry.transaction(step('b'))])
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

test('a transaction inside a transaction is refused, as is a send after the end', async () => {
  await using messaging = messagingInMemory(options)
  const { registry } = messaging
  let late: Transaction | undefined
  await registry.transaction(async (tx) => {
    late = tx
    await expect(registry.transaction(() => 1)).rejects.toMatchObject({ code: 'TRANSACTION_INVALID' })
    await tx.send(OrderPlaced, order)
  })
  await expect(late!.send(OrderPlaced, order)).rejects.toMatchObject({
    code: 'TRANSACTION_INVALID',
    outcome: 'not_sent',
  })
})

test('offsets of a consumer go with the transaction', async () => {
  const { driver } = createFailingDriver()
  await using messaging = createMessaging({ driver, ...options }, {})
  await messaging.registry.transaction((tx) => tx.sendOffsets([{ topic: 'in', partition: 0, offset: 5 }], {}))
})

test('without a transactional id, or with a driver that has no transactions, it says so', async () => {
  await using without = messagingInMemory()
  await expect(without.registry.transaction(() => 1)).rejects.toMatchObject({
    code: 'CONFIG_MISSING',
    message: expect.stringContaining('POSTRIDER_TRANSACTIONAL_ID'),
  })
  const memory = createMemoryDriver()
  const driver: DriverModule = {
    ...memory,
    createDriver: async (driverOptions) => ({ ...(await memory.createDriver(driverOptions)), transactions: undefined }),
  }
  await using plain = createMessaging({ driver, ...options }, {})
  await expect(plain.registry.transaction(() => 1)).rejects.toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(memory.openClients).toBe(0)
})

describe('close', () => {
  test('lets an open transaction end, and refuses the ones that wait', async () => {
    const messaging = messagingInMemory(options)
    const { registry, driver } = messaging
    const inside = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const open = registry.transaction(async (tx) => {
      inside.resolve()
      await goOn.promise
      await tx.send(OrderPlaced, order)
    })
    const waiting = registry.transaction((tx) => tx.send(OrderPlaced, order))
    await inside.promise
    const closed = messaging.close()
    await expect(registry.transaction(() => 1)).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
    goOn.resolve()
    await open
    await expect(waiting).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
    await closed
    expect(driver.records()).toHaveLength(1)
  })

  test('does not wait for one that does not end', async () => {
    const messaging = messagingInMemory({ ...options, closeTimeoutMs: 10 })
    const inside = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const open = messaging.registry.transaction(async (tx) => {
      inside.resolve()
      await goOn.promise
      await tx.send(OrderPlaced, order)
    })
    await inside.promise
    await messaging.close()
    goOn.resolve()
    await expect(open).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
    expect(messaging.driver.records()).toEqual([])
  })
})

test('clients that have nothing to do are let go, but not in the middle of a transaction', async () => {
  await using messaging = messagingInMemory(options)
  const { registry, driver } = messaging
  await registry.transaction(async (tx) => {
    await tx.send(OrderPlaced, order)
    registry.disconnectIdle()
    await tx.send(OrderPlaced, order)
  })
  registry.disconnectIdle()
  await registry.transaction((tx) => tx.send(OrderPlaced, order))
  expect(driver.createdClients).toBe(2)
  expect(driver.records()).toHaveLength(3)
})
