import { describe, expect, test } from 'vitest'
import {
  decodeDoneAhead,
  encodeDoneAhead,
  isDoneAhead,
  readDoneAhead,
} from '../../../src/consumer/partition/done-ahead.ts'
import type { ConsumerOptions } from '../../../src/index.ts'
import { Collected, handling, numberOf, range, Sent, setUp } from '../consume.ts'

const decode = (offset: number, metadata: string | undefined): number[] => [
  ...decodeDoneAhead({ topic: 't', partition: 0, offset, metadata }),
]

describe('offsets as text', () => {
  test.each([[[101]], [[101, 102, 107, 108, 116]], [range(101, 10_100)], [[24_099]]])(
    'come back as they were (%#)',
    (offsets) => {
      const text = encodeDoneAhead(100, offsets)!
      expect(decode(100, text)).toEqual(offsets)
      expect(text.length).toBeLessThan(4_096)
    },
  )

  test('none, and those before the position, are no text; those too far ahead are left out', () => {
    expect([encodeDoneAhead(100, []), encodeDoneAhead(100, [99, 24_100])]).toEqual([undefined, undefined])
    expect(decode(100, encodeDoneAhead(100, [24_100, 105]))).toEqual([105])
  })

  test.each([undefined, '', 'of somebody else', 'postrider-done:'])('%j says nothing', (text) => {
    expect(decode(100, text)).toEqual([])
  })
})

test('they are there where attempts are put off in the order of keys, and asked for where the group says where to start', async () => {
  const config = { commit: 'interval', retryOrder: 'key', retryLaterMs: [1], startPolicy: 'if-uncommitted' }
  const plan = (given: object) => ({ config: { ...config, ...given } }) as never
  const given = [{}, { retryOrder: 'none' }, { retryLaterMs: [] }, { commit: 'before' }]
  expect(given.map((each) => isDoneAhead(plan(each)))).toEqual([true, false, false, false])
  const asked: unknown[] = []
  const consumer = { committed: async (partitions: unknown) => (asked.push(partitions), []) }
  const partitions = [{ topic: 't', partition: 0 }]
  for (const each of [{}, { startPolicy: 'always' }, { retryOrder: 'none' }])
    await readDoneAhead(consumer, partitions, () => plan(each))
  expect(asked).toEqual([partitions])
})

describe('what is done behind a message that waits', () => {
  const consumer: ConsumerOptions = { retryAttempts: 1, retryLaterMs: [100_000] }

  test('does not come again after a stop, nor after a second one', async () => {
    await using setup = setUp({ consumer })
    const seen = new Collected<number>()
    const Items = handling((message) => {
      seen.add(numberOf(message))
      if (numberOf(message) === 2 && seen.values.length < 20) throw new Error('no')
    })
    const send = async (numbers: readonly number[]): Promise<void> => {
      for (const n of numbers) await setup.messaging.registry.send(Sent, { n }, { key: `k${n}` })
    }
    await send(range(1, 8))
    const first = await setup.messaging.consumers.run([Items])
    await seen.count(8)
    await first.stop()
    expect(setup.committed()).toEqual({ 'items/0': 1 })
    await send([9, 10])
    const second = await setup.messaging.consumers.run([Items])
    expect((await seen.count(11)).slice(8)).toEqual([2, 9, 10])
    await second.stop()
    const third = await setup.messaging.consumers.run([Items])
    expect((await seen.count(12)).slice(11)).toEqual([2])
    await third.stop()
    expect(seen.values).toHaveLength(12)
  })

  test('is passed by the position once that message is done', async () => {
    await using setup = setUp({ consumer })
    let isBroken = true
    const seen = new Collected<number>()
    const Items = handling((message) => {
      seen.add(numberOf(message))
      if (isBroken && numberOf(message) === 1) throw new Error('no')
    })
    for (const n of range(1, 5)) await setup.messaging.registry.send(Sent, { n }, { key: `k${n}` })
    const first = await setup.messaging.consumers.run([Items])
    await seen.count(5)
    await first.stop()
    isBroken = false
    const second = await setup.messaging.consumers.run([Items])
    await seen.count(6)
    await second.stop()
    expect([seen.values, setup.committed()]).toEqual([[1, 2, 3, 4, 5, 1], { 'items/0': 5 }])
    expect(setup.driver.committed('g')[0]!.metadata).toBeUndefined()
  })

  test('comes again after a seek to it', async () => {
    await using setup = setUp({ consumer })
    const seen = new Collected<number>()
    const Items = handling((message) => {
      seen.add(numberOf(message))
      if (numberOf(message) === 1 && seen.values.length === 1) throw new Error('no')
    })
    for (const n of range(1, 3)) await setup.messaging.registry.send(Sent, { n }, { key: `k${n}` })
    const first = await setup.messaging.consumers.run([Items])
    await seen.count(3)
    await first.stop()
    await using running = await setup.messaging.consumers.run([Items])
    await seen.count(4)
    await running.seek(Items, { topic: 'items', partition: 0, offset: 'earliest' })
    expect((await seen.count(7)).slice(4)).toEqual([1, 2, 3])
  })
})
