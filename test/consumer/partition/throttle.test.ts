import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ConsumerOptions } from '../../../src/config/fields.ts'
import type { IncomingMessage } from '../../../src/consumer/handling/incoming-message.ts'
import { createThrottle, type ThrottledPartition } from '../../../src/consumer/partition/throttle.ts'
import { eventually } from '../../eventually.ts'
import { Collected, handling, handlingBatches, numberOf, numbersOf, range, Sent, setUp } from '../consume.ts'

describe('turns', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'], now: 0 }))
  afterEach(() => void vi.useRealTimers())

  /** Asks for turns of messages with these keys; gives how long each waits, and why. */
  function createTurns(config: ConsumerOptions, filter?: (message: { key: Buffer | null }) => boolean) {
    const throttle = createThrottle(config as never)!
    const waits: [reason: string, ms: number][] = []
    const work = {
      consumer: { plan: { manifest: { filter } } },
      wait: async (_: string, reason: string, ms: number) => void waits.push([reason, ms]),
    } as unknown as ThrottledPartition
    /** 0: at once. */
    const turn = (...keys: readonly (string | null)[]): number => {
      const messages = keys.map((key) => ({ key: key === null ? null : Buffer.from(key) }))
      const waiting = throttle.turn(work, messages as unknown as IncomingMessage[])
      return waiting === undefined ? 0 : waits.at(-1)![1]
    }
    return { throttle, waits, turn }
  }

  test('nothing is throttled where nothing says so', () => {
    expect(createThrottle({} as never)).toBeUndefined()
  })

  test('a burst at once, then one after another at the rate; who asks first is first', () => {
    const { turn, waits, throttle } = createTurns({ throttlePerSecond: 20 })
    expect([throttle.maxMessages, ...range(1, 5).map(() => turn(null))]).toEqual([2, 0, 0, 50, 100, 150])
    expect(waits[0]![0]).toBe('at most 20 messages per second')
    vi.advanceTimersByTime(100)
    expect(turn(null)).toBe(100)
  })

  test('what is not used is there later, no more than the burst of it', () => {
    const { turn } = createTurns({ throttlePerSecond: 10, throttleBurst: 3 })
    expect(range(1, 4).map(() => turn(null))).toEqual([0, 0, 0, 100])
    vi.advanceTimersByTime(60_000)
    expect(range(1, 4).map(() => turn(null))).toEqual([0, 0, 0, 100])
  })

  test('a call of several messages waits until all of them may be', () => {
    const { turn } = createTurns({ throttlePerSecond: 10, throttleBurst: 5 })
    expect([turn('a', 'b', 'c', 'd'), turn('a', 'b', 'c')]).toEqual([0, 200])
  })

  test('nobody waits because of how numbers are rounded', () => {
    vi.advanceTimersByTime(1234.5678)
    const { turn } = createTurns({ throttleKeyPerSecond: 0.001 })
    expect(range(1, 100).filter((n) => vi.advanceTimersByTime(0.123) && turn(`key ${n}`) > 0)).toEqual([])
  })

  test('each key has a rate of its own, those without a key have none', () => {
    const { turn, waits } = createTurns({ throttleKeyPerSecond: 2 })
    expect([turn('a'), turn('b'), turn('a'), turn('b'), turn('a')]).toEqual([0, 0, 500, 500, 1000])
    expect([turn(null), turn(null)]).toEqual([0, 0])
    expect(waits[0]![0]).toBe('at most 2 messages of a key per second')
  })

  test('where both are set, the longer wait counts', () => {
    const { turn } = createTurns({ throttlePerSecond: 10, throttleKeyPerSecond: 1 })
    expect([turn('a'), turn('b'), turn('a'), turn('c')]).toEqual([0, 100, 1000, 300])
  })

  test('a call with more of a key than the burst goes once, and what it took too much is missing later', () => {
    const { turn } = createTurns({ throttleKeyPerSecond: 1, throttleKeyBurst: 2 })
    expect([turn('a', 'a', 'a', 'a'), turn('a')]).toEqual([0, 3000])
  })

  test('what the filter does not want takes no place; one that throws is for the handler to fail with', () => {
    const unwanted = createTurns({ throttlePerSecond: 1 }, () => false)
    expect([unwanted.turn('a'), unwanted.turn('a')]).toEqual([0, 0])
    const throwing = createTurns({ throttlePerSecond: 1 }, () => {
      throw new Error('no')
    })
    expect([throwing.turn('a'), throwing.turn('a')]).toEqual([0, 1000])
  })

  test('keys that have come to rest are forgotten, and waits are what timers can hold', () => {
    const { turn } = createTurns({ throttleKeyPerSecond: 1e-9 })
    turn('slow')
    expect(turn('slow')).toBe(2_147_483_647)
    const many = createTurns({ throttleKeyPerSecond: 1_000 })
    for (const n of range(1, 10_000)) {
      many.turn(`key ${n}`)
      vi.advanceTimersByTime(1)
    }
    expect(many.turn('key 10000')).toBeLessThanOrEqual(1)
  })
})

describe('in a run', () => {
  test('a partition waits for its turn, visibly; stop waits for nothing of that, and commits what was done', async () => {
    await using setup = setUp({ consumer: { throttlePerSecond: 0.001 } }, { partitions: 2 })
    const seen = new Collected<number>()
    await setup.send([1, 2], 0)
    await setup.send([11, 12], 1)
    const running = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    await seen.count(1)
    const pauses = () => running.health().consumers[0]!.partitions.flatMap((partition) => partition.pauses)
    await eventually(() => expect(pauses()).toHaveLength(2))
    expect(pauses()[0]).toMatchObject({ owner: 'throttle', reason: 'at most 0.001 messages per second' })
    expect(running.health()).toMatchObject({ isAlive: true, isReady: true })
    await running.stop()
    expect(seen.values).toHaveLength(1)
    expect(Object.values(setup.committed())).toEqual([1])
  })

  test('partitions take turns', async () => {
    // Nobody is late by this clock: who wakes first after the process was held would have a turn at once again.
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    await using setup = setUp(
      { consumer: { throttlePerSecond: 200, throttleBurst: 1, concurrency: 1 } },
      { partitions: 3 },
    )
    const seen = new Collected<number>()
    for (const partition of [0, 1, 2]) await setup.send(range(1, 10), partition)
    await using _ = await setup.messaging.consumers.run([handling(({ partition }) => seen.add(partition))])
    await seen.count(30)
    const counts = [0, 1, 2].map((partition) => seen.values.slice(3, 18).filter((each) => each === partition).length)
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(4)
  })

  test('a key that waits holds back no other where keys are handled side by side', async () => {
    await using setup = setUp({ consumer: { throttleKeyPerSecond: 0.001, keyConcurrency: 10 } })
    const seen = new Collected<number>()
    for (const [n, key] of ['a', 'a', 'b', 'c'].entries()) await setup.messaging.registry.send(Sent, { n }, { key })
    const running = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    expect(await seen.count(3)).toEqual([0, 2, 3])
    await running.stop()
    // Not past the one that is not done.
    expect(setup.committed()).toEqual({ 'items/0': 1 })
  })

  test('batches are no larger than the burst', async () => {
    await using setup = setUp({ consumer: { throttlePerSecond: 1_000, throttleBurst: 4 } })
    const batches = new Collected<number[]>()
    await setup.send(range(1, 10))
    await using _ = await setup.messaging.consumers.run([
      handlingBatches((messages) => batches.add(numbersOf(messages))),
    ])
    expect(await batches.count(3)).toEqual([range(1, 4), range(5, 8), [9, 10]])
  })

  test('a part of a batch that fails leaves the rest of it as it is', async () => {
    await using setup = setUp({
      consumer: { throttlePerSecond: 1_000, throttleBurst: 2, commit: 'before', onFailure: 'skip' },
    })
    const batches = new Collected<number[]>()
    const rejected = setup.heard('message.rejected')
    const Items = handlingBatches((messages) => {
      batches.add(numbersOf(messages))
      if (numbersOf(messages).includes(1)) throw new Error('no')
    })
    await setup.send(range(1, 4))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await batches.count(2)).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(rejected.values.map(({ offset }) => offset)).toEqual([0, 1])
  })

  test('further attempts take their turn as well', async () => {
    await using setup = setUp({ consumer: { throttlePerSecond: 0.001, retryAttempts: 3 } })
    const seen = new Collected<number>()
    const failed = setup.heard('attempt.failed')
    await setup.send([1])
    const running = await setup.messaging.consumers.run([
      handling((message) => {
        seen.add(message.attempt)
        throw new Error('no')
      }),
    ])
    await failed.count(1)
    const owners = () => running.health().consumers[0]!.partitions[0]!.pauses.map(({ owner }) => owner)
    await eventually(() => expect(owners()).toEqual(['throttle']))
    await running.stop()
    expect([seen.values, setup.committed()]).toEqual([[1], {}])
  })
})
