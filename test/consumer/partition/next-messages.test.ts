import { describe, expect, test, vi } from 'vitest'
import type { ConsumerOptions } from '../../../src/config/fields.ts'
import { MessagingError } from '../../../src/errors/messaging-error.ts'
import type { MemoryDriverOptions } from '../../../src/testing.ts'
import { Collected, handling, handlingBatches, numberOf, range, Sent, setUp, type Setup } from '../consume.ts'
import { holdClock } from '../hold-clock.ts'

const byKey: ConsumerOptions = { retryAttempts: 1, retryLaterMs: [1, 1] }

const memory: MemoryDriverOptions = { partitions: 1 }

async function sendKeyed(setup: Setup, messages: readonly (readonly [key: string | null, n: number])[]) {
  for (const [key, n] of messages) await setup.messaging.registry.send(Sent, { n }, { key: key ?? null })
}

describe('with later attempts in the order of keys', () => {
  test('a message that fails holds its key, and no other; what is done behind it is not committed before it', async () => {
    const advance = holdClock()
    await using setup = setUp({ consumer: { ...byKey, retryLaterMs: [50], commit: 'each' } }, memory)
    const seen = new Collected<string>()
    const deferred = setup.heard('message.deferred')
    const committed = setup.heard('offset.committed')
    const Items = handling((message) => {
      seen.add(`${String(message.key)}${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 1 && message.attempt === 1) throw new Error('no')
    })
    await sendKeyed(setup, [
      ['a', 1],
      ['b', 1],
      ['a', 2],
      ['c', 3],
    ])
    const running = await setup.messaging.consumers.run([Items])
    await deferred.count(2)
    await seen.count(3)
    expect(seen.values).toEqual(['a1#1', 'b1#1', 'c3#1'])
    for (const { offset } of committed.values) expect(offset).toBe(0)
    const [partition] = running.health().consumers[0]!.partitions
    expect(partition!.pauses).toMatchObject([
      { owner: 'retry', reason: '3 messages of 2 keys wait for a later attempt' },
    ])
    advance(50)
    expect(await seen.count(6)).toEqual(['a1#1', 'b1#1', 'c3#1', 'a1#2', 'a2#1', 'b1#2'])
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 4 })
    expect(deferred.values[0]).toMatchObject({ attempts: 1, retryInMs: 50, retryTopic: undefined })
  })

  test('after the last attempt a message goes to the dead letter topic, and its key goes on', async () => {
    await using setup = setUp({ consumer: byKey }, memory)
    const seen = new Collected<string>()
    const Items = handling((message) => {
      seen.add(`${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 1) throw new Error('no')
    })
    await sendKeyed(setup, [
      ['a', 1],
      ['a', 2],
    ])
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await seen.count(4)).toEqual(['1#1', '1#2', '1#3', '2#1'])
    const [letter] = setup.driver.records('items.dead-letter')
    const headers = Object.fromEntries(letter!.headers.map(([name, value]) => [name, value.toString()]))
    expect(headers).toMatchObject({ 'postrider-dead-letter-attempts': '3', 'postrider-dead-letter-offset': '0' })
  })

  test('a stop does not wait for what is put off; it comes again, and what was done before it does not', async () => {
    await using setup = setUp({ consumer: { ...byKey, retryLaterMs: [100_000] } }, memory)
    const deferred = setup.heard('message.deferred')
    const Items = handling((message) => {
      if (numberOf(message) === 2) throw new Error('no')
    })
    await sendKeyed(setup, [
      ['a', 1],
      ['b', 2],
      ['b', 3],
    ])
    const running = await setup.messaging.consumers.run([Items])
    await deferred.count(1)
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 1 })
    const seen = new Collected<number>()
    await using _ = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    expect(await seen.count(2)).toEqual([2, 3])
  })

  test('a partition waits once so many messages are begun behind the first that waits', async () => {
    await using setup = setUp(
      { consumer: { ...byKey, retryLaterMs: [100_000], retryAheadMax: 20, maxMessages: 5 } },
      memory,
    )
    const paused = setup.heard('partition.paused')
    const seen = new Collected<number>()
    const Items = handling((message) => {
      seen.add(numberOf(message))
      if (numberOf(message) === 0) throw new Error('no')
    })
    await sendKeyed(
      setup,
      range(0, 99).map((n) => [`k${n}`, n]),
    )
    const running = await setup.messaging.consumers.run([Items])
    await paused.count(1)
    expect(paused.values).toMatchObject([{ topic: 'items', partition: 0, owner: 'retry' }])
    expect(seen.values).toEqual(range(0, 19))
    // Not the pause, which only shows; the end of what waits.
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 0 })
  })

  test('and once what waits is as large as a buffer may be; it goes on when less waits', async () => {
    const advance = holdClock()
    await using setup = setUp(
      { consumer: { ...byKey, retryLaterMs: [30], bufferMaxBytes: 40, maxMessages: 2 } },
      memory,
    )
    const paused = setup.heard('partition.paused')
    const resumed = setup.heard('partition.resumed')
    const seen = new Collected<string>()
    const Items = handling((message) => {
      seen.add(`${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 0 && message.attempt === 1) throw new Error('no')
    })
    await sendKeyed(setup, [...range(0, 9).map((n): [string, number] => ['a', n]), ['b', 10]])
    await using _ = await setup.messaging.consumers.run([Items])
    await paused.count(1)
    advance(30)
    const all = await seen.count(12)
    expect(all).toEqual(['0#1', '0#2', ...range(1, 10).map((n) => `${n}#1`)])
    expect(resumed.values).toMatchObject([{ owner: 'retry' }])
  })

  test('a seek leaves behind what waits', async () => {
    await using setup = setUp({ consumer: { ...byKey, retryLaterMs: [20] } }, memory)
    const deferred = setup.heard('message.deferred')
    const seen = new Collected<string>()
    const Items = handling((message) => {
      seen.add(`${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 1 && seen.values.length === 1) throw new Error('no')
    })
    await sendKeyed(setup, [['a', 1]])
    await using running = await setup.messaging.consumers.run([Items])
    await deferred.count(1)
    await running.seek(Items, { topic: 'items', partition: 0, offset: 0 })
    expect(await seen.count(2)).toEqual(['1#1', '1#1'])
    await sendKeyed(setup, [['a', 2]])
    expect((await seen.count(3))[2]).toBe('2#1')
  })

  test('a seek that fails leaves it as it was', async () => {
    await using setup = setUp({ consumer: { ...byKey, retryLaterMs: [100_000] } }, memory)
    const createConsumer = setup.driver.createConsumer.bind(setup.driver)
    vi.spyOn(setup.driver, 'createConsumer').mockImplementation(async (options) =>
      Object.assign(await createConsumer(options), {
        seek: () => Promise.reject(new MessagingError('OFFSET_UNAVAILABLE', { reason: 'not there' })),
      }),
    )
    const deferred = setup.heard('message.deferred')
    const seen = new Collected<string>()
    let isBroken = true
    const Items = handling((message) => {
      seen.add(`${String(message.key)}${numberOf(message)}`)
      if (isBroken && numberOf(message) === 1) throw new Error('no')
    })
    await sendKeyed(setup, [
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ])
    await using running = await setup.messaging.consumers.run([Items])
    await deferred.count(1)
    await seen.count(2)
    isBroken = false
    const seek = running.seek(Items, { topic: 'items', partition: 0, offset: 0 })
    await expect(seek).rejects.toMatchObject({ code: 'OFFSET_UNAVAILABLE' })
    expect((await seen.count(4)).slice(2)).toEqual(['a1', 'a3'])
  })

  test('with manual commits it is refused: they would pass what waits', async () => {
    await using setup = setUp({ consumer: { ...byKey, commit: 'manual' } }, memory)
    await expect(setup.messaging.consumers.run([handling(() => undefined)])).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('retryOrder'),
    })
  })

  // Deterministic, so that a failure can be repeated.
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }

  test.each(range(1, 12).map((seed) => [seed, ['handle', 'handleBatch', 'keys'][seed % 3]!] as const))(
    'every key keeps its order, and nothing is lost, whatever fails, moves or restarts (seed %i, %s)',
    async (seed, how) => {
      const next = random(seed)
      const attempts = new Map<number, number>()
      const done = new Map<string, number[]>()
      const handled = new Collected<number>()
      const failuresOf = new Map(range(0, 119).map((n) => [n, next() < 0.3 ? Math.ceil(next() * 3) : 0]))
      const handle = (key: string, n: number): void => {
        const attempt = (attempts.get(n) ?? 0) + 1
        attempts.set(n, attempt)
        if (attempt <= failuresOf.get(n)!) throw new Error('no')
        done.set(key, [...(done.get(key) ?? []), n])
        handled.add(n)
      }
      const consumer: ConsumerOptions = {
        retryAttempts: 1 + (seed % 2),
        retryLaterMs: [1, 2, 3, 4],
        retryAheadMax: 5 + Math.floor(next() * 60),
        maxMessages: 1 + Math.floor(next() * 10),
        keyConcurrency: how === 'keys' ? 4 : 1,
        onFailure: 'stop',
      }
      await using setup = setUp({ consumer }, { partitions: 2 })
      const Items =
        how === 'handleBatch'
          ? handlingBatches((batch, context) => {
              for (const message of batch) {
                handle(String(message.key), numberOf(message))
                context.markDone(message)
              }
            })
          : handling((message) => handle(String(message.key), numberOf(message)))
      const keys = range(0, 119).map(() => `k${Math.floor(next() * 8)}`)
      let isClean = true
      let running = await setup.messaging.consumers.run([Items])
      for (const [n, key] of keys.entries()) {
        await setup.messaging.registry.send(Sent, { n }, { key })
        if (n % 40 !== 39) continue
        if (next() < 0.5) {
          await running.stop()
          running = await setup.messaging.consumers.run([Items])
        } else {
          isClean = false
          setup.driver.endSessions('g')
        }
      }
      while (new Set(handled.values).size < 120) await handled.count(handled.values.length + 1)
      await running.stop()
      // A message is handled again only where somebody was put out of the group.
      if (isClean) expect(handled.values).toHaveLength(120)
      for (const [key, numbers] of done) {
        // What comes again after a rebalance or a restart comes in order, too: the first time of each is what counts.
        const first = [...new Set(numbers)]
        expect([key, first]).toEqual([key, first.toSorted((a, b) => a - b)])
      }
    },
  )
})
