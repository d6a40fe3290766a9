import * as fc from '../fast-check.ts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Client, type ClientLimits } from '../../src/driver/client.ts'
import { catchRejection } from '../catch-error.ts'
import { createMessage, FakeDriver, RecordedDelivery } from './fake-driver.ts'

const limits: ClientLimits = { queueMaxMessages: 3, queueMaxBytes: 100, queueTimeoutMs: 1000 }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

function createClient(given: Partial<ClientLimits> = {}, driver = new FakeDriver()) {
  const client = new Client(driver, { ...limits, ...given })
  const produce = (value: string, bytes = 1): RecordedDelivery => {
    const delivery = new RecordedDelivery()
    client.produce(createMessage(value), delivery, bytes)
    return delivery
  }
  return { client, driver, produce }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  // More turns than any chain of promises inside has.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  return settled
}

describe('produce', () => {
  test('hands messages over in order while there is room, and the rest as acknowledgements make some', () => {
    const { client, driver, produce } = createClient()
    const deliveries = ['a', 'b', 'c', 'd', 'e'].map((value) => produce(value))
    expect(driver.values).toEqual(['a', 'b', 'c'])
    expect([client.pending, client.pendingBytes]).toEqual([5, 5])
    driver.settle(1)
    expect(driver.values).toEqual(['a', 'b', 'c', 'd'])
    driver.settle(4)
    expect(driver.values).toEqual(['a', 'b', 'c', 'd', 'e'])
    driver.settle(1)
    expect(deliveries.map(({ verdicts }) => verdicts)).toEqual(deliveries.map(() => ['acknowledged']))
    expect([client.pending, client.pendingBytes]).toEqual([0, 0])
  })

  test('a new message never overtakes one that waits, even if it would fit', () => {
    const { driver, produce } = createClient({ queueMaxBytes: 10 })
    produce('first', 8)
    produce('too large for now', 5)
    produce('small', 1)
    expect(driver.values).toEqual(['first'])
    driver.settle(1)
    expect(driver.values).toEqual(['first', 'too large for now', 'small'])
  })

  test('a single message over the byte limit passes an empty queue', () => {
    const { driver, produce } = createClient({ queueMaxBytes: 10 })
    produce('huge', 1000)
    expect(driver.values).toEqual(['huge'])
  })

  test('as many messages may wait as may be unacknowledged; one more fails at once with QUEUE_FULL', () => {
    const { produce } = createClient()
    const deliveries = Array.from({ length: 7 }, (_, index) => produce(String(index)))
    expect(deliveries.map(({ state }) => state)).toEqual([
      ...Array(3).fill('taken'),
      ...Array(3).fill('waiting'),
      'settled',
    ])
    expect(deliveries[6]!.verdicts).toEqual([
      { code: 'QUEUE_FULL', reason: '3 messages (3 bytes) are unacknowledged and 3 wait for room' },
    ])
  })

  test('as many bytes may wait as may be unacknowledged', () => {
    const { produce } = createClient({ queueMaxMessages: 100 })
    expect([produce('a', 100), produce('b', 60), produce('c', 40), produce('d', 1)].map(({ state }) => state)).toEqual([
      'taken',
      'waiting',
      'waiting',
      'settled',
    ])
  })

  test('who waits in vain fails with QUEUE_FULL after queueTimeoutMs', () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    produce('taken')
    const waiting = produce('waiting')
    vi.advanceTimersByTime(999)
    expect(waiting.verdicts).toEqual([])
    vi.advanceTimersByTime(1)
    expect(waiting.verdicts).toEqual([{ code: 'QUEUE_FULL', reason: 'no room came within queueTimeoutMs (1000 ms)' }])
    driver.settle(1)
    expect(driver.values).toEqual(['taken'])
    expect(client.pending).toBe(0)
  })

  test('a driver with a full queue of its own makes a message wait for the next acknowledgement', () => {
    const { driver, produce } = createClient()
    produce('a')
    driver.full = true
    const refused = produce('b')
    expect(refused.state).toBe('waiting')
    driver.full = false
    driver.settle(1)
    expect(driver.values).toEqual(['a', 'b'])
  })

  test('a driver that is full with nothing on the way is asked again until it has room', () => {
    const { client, driver, produce } = createClient()
    driver.full = true
    const refused = produce('a')
    vi.advanceTimersByTime(10)
    expect(refused.state).toBe('waiting')
    driver.full = false
    vi.advanceTimersByTime(1)
    expect(driver.values).toEqual(['a'])
    driver.settle(1)
    expect([client.pending, vi.getTimerCount()]).toEqual([0, 0])
  })

  test('a driver that stays full ends the wait with QUEUE_FULL, and is not asked any more', () => {
    const { client, driver, produce } = createClient()
    driver.full = true
    const refused = produce('a')
    vi.advanceTimersByTime(1001)
    expect(refused.verdicts).toMatchObject([{ code: 'QUEUE_FULL' }])
    expect([client.pending, vi.getTimerCount()]).toEqual([0, 0])
  })

  test('a driver that throws may have queued the message all the same: the outcome is the unknown of DRIVER_FAILED', () => {
    const { client, driver, produce } = createClient()
    driver.onProduce = () => {
      throw new Error('broken')
    }
    expect(produce('a').verdicts).toEqual([{ code: 'DRIVER_FAILED', reason: 'broken' }])
    expect(client.pending).toBe(0)
  })

  test('a driver may settle inside produce()', () => {
    const { client, driver, produce } = createClient()
    driver.settlesAtOnce = true
    expect(produce('a').verdicts).toEqual(['acknowledged'])
    expect(client.pending).toBe(0)
  })

  test('a value in the shared scratch buffer is kept for the wait, and not copied for a hand-over', () => {
    const { client, driver } = createClient({ queueMaxMessages: 1 }, new FakeDriver({ copiesValue: true }))
    const scratch = Buffer.from('first')
    client.produce({ ...createMessage(''), value: scratch }, new RecordedDelivery(), 5)
    expect(driver.taken[0]!.message.value).toBe(scratch)
    client.produce({ ...createMessage(''), value: scratch }, new RecordedDelivery(), 5)
    scratch.write('XXXXX')
    driver.settle(1)
    expect(driver.values[1]).toBe('first')
  })

  test('one given up while it waits is never handed over', () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 2 })
    produce('a')
    produce('b')
    const given = produce('c')
    produce('d')
    given.abandon()
    driver.settle(1)
    expect(driver.values).toEqual(['a', 'b', 'd'])
    expect(given.verdicts).toEqual([])
    driver.settle(2)
    expect(client.pending).toBe(0)
  })
})

describe('share', () => {
  test('a delivery is settled once for each of its messages, and each frees its place', () => {
    const { client, driver, produce } = createClient({ queueMaxBytes: 1000 })
    const shared = produce('a', 10)
    expect(client.share(createMessage('b'), shared, 30)).toBe(true)
    expect(driver.values).toEqual(['a', 'b'])
    expect([client.pending, client.pendingBytes]).toEqual([2, 40])
    driver.settle(1)
    // Which of them it was is not said.
    expect([client.pending, client.pendingBytes]).toEqual([1, 20])
    expect(shared.state).toBe('taken')
    driver.settle(1, { code: 'DRIVER_FAILED', reason: 'x' })
    expect([client.pending, client.pendingBytes]).toEqual([0, 0])
    expect(shared.verdicts).toEqual(['acknowledged', { code: 'DRIVER_FAILED', reason: 'x' }])
    // As a driver that reports twice.
    driver.taken[0]!.settlement.settle(null, 0, 1, -1)
    expect(shared.verdicts).toHaveLength(2)
  })

  test.each([
    ['where there is no room', {}, ({ produce }) => void ['b', 'c'].map((value) => produce(value))],
    ['in bytes either', { queueMaxBytes: 10 }, () => undefined],
    ['before those who wait', { queueMaxBytes: 12 }, ({ produce }) => void produce('waits', 12)],
    ['that the driver refuses', {}, ({ driver }) => void (driver.full = true)],
    ['once somebody waits for what was sent before', {}, ({ client }) => void client.flush()],
    ['once the client closes', {}, ({ client }) => void client.close(0)],
  ] satisfies [string, Partial<ClientLimits>, (parts: ReturnType<typeof createClient>) => void][])(
    'does not take a message %s',
    (_, given, prepare) => {
      const parts = createClient(given)
      const { client, driver, produce } = parts
      const shared = produce('a')
      prepare(parts)
      const before = [client.pending, client.pendingBytes, shared.bytes, shared.messages]
      expect(client.share(createMessage('x'), shared, 10)).toBe(false)
      expect([client.pending, client.pendingBytes, shared.bytes, shared.messages]).toEqual(before)
      expect(driver.values).not.toContain('x')
    },
  )

  test('flush and close count all of them', async () => {
    const { client, driver, produce } = createClient()
    const shared = produce('a')
    client.share(createMessage('b'), shared, 1)
    const flushed = client.flush()
    driver.settle(1)
    expect(await isSettled(flushed)).toBe(false)
    const closed = client.close(10)
    await vi.advanceTimersByTimeAsync(10)
    expect(await closed).toBe(1)
    expect(shared.verdicts).toMatchObject(['acknowledged', { code: 'CLOSE_TIMED_OUT', outcome: 'unknown' }])
    await flushed
  })
})

describe('room', () => {
  test('is there at once, or as soon as an acknowledgement makes it', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    expect(client.room()).toBe(true)
    produce('a')
    const room = client.room()
    expect(client.pending, 'who asks for room is no message').toBe(1)
    driver.settle(1)
    expect(await room).toBe(true)
  })

  test('does not come for ever', async () => {
    const { client, produce } = createClient({ queueMaxMessages: 1 })
    produce('a')
    const room = client.room()
    vi.advanceTimersByTime(1000)
    expect(await room).toBe(false)
    expect(client.pending).toBe(1)
  })

  test('is no reason to wait once the client closes', async () => {
    const { client, produce } = createClient({ queueMaxMessages: 1 })
    produce('a')
    const room = client.room()
    const closed = client.close(0)
    expect(client.room()).toBe(true)
    await vi.runAllTimersAsync()
    expect(await room).toBe(false)
    expect(await closed, 'who asked for room is no message given up').toBe(1)
  })
})

describe('flush', () => {
  test('resolves at once when nothing is pending, without bothering the driver', async () => {
    const { client, driver } = createClient()
    await client.flush()
    expect(driver.flushes).toEqual([])
  })

  test('waits for what was produced before, not for what comes after', async () => {
    const { client, driver, produce } = createClient()
    produce('before')
    const flushed = client.flush()
    produce('after')
    expect(await isSettled(flushed)).toBe(false)
    driver.settle(1)
    await flushed
    expect(client.pending).toBe(1)
  })

  test('waits for messages that wait for room too, however they end', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    produce('a')
    produce('b')
    const flushed = client.flush()
    driver.settle(1)
    expect(await isSettled(flushed)).toBe(false)
    driver.settle(1, { code: 'DRIVER_FAILED', reason: 'x' })
    await flushed
  })

  test('waits for a message in the line even when nothing is on the way any more', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    produce('a')
    produce('b')
    const flushed = client.flush()
    driver.full = true
    driver.settle(1)
    expect(await isSettled(flushed)).toBe(false)
    vi.advanceTimersByTime(1000)
    await flushed
  })

  test('hurries the driver', async () => {
    const { client, driver, produce } = createClient()
    produce('a')
    const flushed = client.flush(500)
    expect(driver.flushes).toEqual([500])
    driver.settle(1)
    await flushed
    expect(vi.getTimerCount()).toBe(0)
  })

  test('fails with FLUSH_TIMED_OUT and leaves the messages alone', async () => {
    const { client, driver, produce } = createClient()
    const delivery = produce('a')
    const flushed = catchRejection(client.flush(500))
    vi.advanceTimersByTime(500)
    expect(await flushed).toMatchObject({
      code: 'FLUSH_TIMED_OUT',
      message: expect.stringContaining('1 messages were still unacknowledged after 500 ms'),
    })
    driver.settle(1)
    expect(delivery.verdicts).toEqual(['acknowledged'])
  })

  test('does not hang on a message that was given up while the driver was full', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    produce('a')
    const given = produce('b')
    const flushed = client.flush()
    driver.full = true
    driver.settle(1)
    given.abandon()
    vi.advanceTimersByTime(1000)
    expect(await isSettled(flushed)).toBe(true)
  })

  test('does not hang on somebody who asked for room in vain', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    produce('a')
    produce('b')
    const flushed = client.flush()
    vi.advanceTimersByTime(1)
    void client.room()
    driver.full = true
    driver.settle(1)
    vi.advanceTimersByTime(1001)
    expect(await isSettled(flushed)).toBe(true)
  })
})

describe('close', () => {
  test('waits for what was taken, then closes the driver', async () => {
    const { client, driver, produce } = createClient()
    const delivery = produce('a')
    const closed = client.close(1000)
    expect(await isSettled(closed)).toBe(false)
    driver.settle(1)
    expect(await closed).toBe(0)
    expect([driver.closes, delivery.verdicts]).toEqual([1, ['acknowledged']])
  })

  test('gives up after its time: unknown for what was handed over, not_sent for what still waited', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    const taken = produce('a')
    const waiting = produce('b')
    const closed = client.close(300)
    await vi.advanceTimersByTimeAsync(300)
    expect(await closed).toBe(2)
    const reason = 'it was not acknowledged within 300 ms of closing'
    expect(taken.verdicts).toEqual([{ code: 'CLOSE_TIMED_OUT', reason, outcome: 'unknown' }])
    expect(waiting.verdicts).toEqual([{ code: 'CLOSE_TIMED_OUT', reason, outcome: 'not_sent' }])
    expect([driver.closes, client.pending]).toEqual([1, 0])
  })

  test('a driver that reports after that is not heard', async () => {
    const { client, driver, produce } = createClient()
    const delivery = produce('a')
    const closed = client.close(0)
    await vi.runAllTimersAsync()
    await closed
    driver.settle(1)
    expect(delivery.verdicts).toHaveLength(1)
    expect(client.pending).toBe(0)
  })

  test('is done once, however often it is called', async () => {
    const { client, driver } = createClient()
    const first = client.close(100)
    expect(client.close(5)).toBe(first)
    await first
    expect(client.close(0)).toBe(first)
    expect(driver.closes).toBe(1)
  })

  test('refuses what comes after it', () => {
    const { client, driver, produce } = createClient()
    void client.close(1000)
    expect(produce('late').verdicts).toEqual([
      { code: 'CLOSE_TIMED_OUT', reason: 'the client is closed', outcome: 'not_sent' },
    ])
    expect(driver.taken).toEqual([])
  })

  test('lets those in who waited before it', async () => {
    const { client, driver, produce } = createClient({ queueMaxMessages: 1 })
    const deliveries = [produce('a'), produce('b')]
    const closed = client.close(1000)
    driver.settle(1)
    driver.settle(1)
    expect(await closed).toBe(0)
    expect(deliveries.map(({ verdicts }) => verdicts)).toEqual([['acknowledged'], ['acknowledged']])
  })
})

type Step =
  | { readonly kind: 'produce' | 'share'; readonly bytes: number }
  | { readonly kind: 'settle'; readonly count: number; readonly failed: boolean }
  | { readonly kind: 'abandon'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'driverFull' | 'driverFree' | 'atOnce' | 'later' | 'room' | 'flush' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('produce' as const, 'share' as const),
      bytes: fc.integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      count: fc.integer({ min: 1, max: 3 }),
      failed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abandon' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1200 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'driverFull' as const,
        'driverFree' as const,
        'atOnce' as const,
        'later' as const,
        'room' as const,
        'flush' as const,
      ),
    }),
  },
)

test('whatever happens, order is kept, limits hold, each message is settled once and nothing is left over', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.record({ queueMaxMessages: fc.integer({ min: 1, max: 4 }), queueMaxBytes: fc.integer({ min: 1, max: 30 }) }),
    fc.boolean(),
    async (steps, given, closesEarly) => {
      const { client, driver, produce } = createClient(given)
      const deliveries: RecordedDelivery[] = []
      const messagesOf = new Map<RecordedDelivery, number>()
      let messages = 0
      const unsettled = (): number =>
        deliveries.reduce((sum, { state, messages: left }) => sum + (state === 'settled' ? 0 : left), 0)
      const abandoned = new Set<RecordedDelivery>()
      const flushes: Promise<void>[] = []
      const rooms: Promise<boolean>[] = []
      for (const action of steps) {
        switch (action.kind) {
          case 'produce':
            deliveries.push(produce(String(messages++), action.bytes))
            break
          case 'share': {
            const delivery = deliveries.findLast(({ state }) => state === 'taken')
            if (delivery && client.share(createMessage(String(messages)), delivery, action.bytes)) {
              messages++
              messagesOf.set(delivery, (messagesOf.get(delivery) ?? 1) + 1)
            }
            break
          }
          case 'settle':
            driver.settle(action.count, action.failed ? { code: 'DRIVER_FAILED', reason: 'x' } : null)
            break
          case 'abandon': {
            const delivery = deliveries[action.which]
            if (delivery?.state === 'waiting') {
              delivery.abandon()
              abandoned.add(delivery)
            }
            break
          }
          case 'pass':
            vi.advanceTimersByTime(action.ms)
            break
          case 'room': {
            const room = client.room()
            if (room !== true) rooms.push(room)
            break
          }
          case 'flush': {
            const before = [...deliveries]
            flushes.push(
              client.flush().then(() => {
                expect(before.filter(({ state }) => state !== 'settled')).toEqual([])
              }),
            )
            break
          }
          case 'driverFull':
          case 'driverFree':
            driver.full = action.kind === 'driverFull'
            break
          case 'atOnce':
          case 'later':
            driver.settlesAtOnce = action.kind === 'atOnce' && driver.unsettled === 0
            break
        }
        expect(driver.unsettled).toBeLessThanOrEqual(given.queueMaxMessages)
        const waiting = deliveries.filter(({ state }) => state === 'waiting').length
        expect(driver.unsettled).toBe(unsettled() - waiting)
        // One that was given up counts until it is its turn, hence at most.
        expect(client.pending).toBeLessThanOrEqual(messages)
        expect(client.pending).toBeGreaterThanOrEqual(unsettled())
        if (driver.unsettled > 0) driver.settlesAtOnce = false
      }

      const closed = closesEarly ? client.close(100) : undefined
      if (!closesEarly) {
        driver.full = false
        while (driver.settle(1));
      }
      await vi.advanceTimersByTimeAsync(limits.queueTimeoutMs + 1)
      // What had waited for a driver that was full with nothing on the way has gone in meanwhile.
      while (driver.settle(1));
      await Promise.all([...flushes, ...rooms, closed])
      expect([client.pending, client.pendingBytes, vi.getTimerCount()]).toEqual([0, 0, 0])
      const counts = deliveries.map((delivery) => delivery.verdicts.length + (abandoned.has(delivery) ? 1 : 0))
      expect(counts).toEqual(deliveries.map((delivery) => messagesOf.get(delivery) ?? 1))
      const order = driver.values.map(Number)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
      expect(new Set(order).size).toBe(order.length)
    },
  )
  await fc.assert(property, { numRuns: 300 })
})
