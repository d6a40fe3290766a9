import { describe, expect, test, vi } from 'vitest'
import { BufferBudget, messageOverheadBytes } from '../../../src/consumer/partition/buffer-budget.ts'
import { ReadAhead } from '../../../src/consumer/partition/read-ahead.ts'
import type { RunningConsumers } from '../../../src/consumer/running-consumers.ts'
import { ProducerManifest } from '../../../src/index.ts'
import { eventually } from '../../eventually.ts'
import { Collected, handling, handlingBatches, numberOf, range, setUp } from '../consume.ts'

/** Partitions that hold so much, as far as they may want it. */
function holding(budget: BufferBudget, ...bytes: readonly number[]): ReadAhead[] {
  return bytes.map((each) => {
    const readAhead = new ReadAhead(budget, { bufferMaxBytes: 1e6, maxWaitMs: 1 })
    if (each > 0) readAhead.add(each - messageOverheadBytes)
    return readAhead
  })
}

describe('a partition has enough', () => {
  test.each<[string, number[], number]>([
    ['with half, alone', [0], 50_000],
    ['with half of its share and of what is left to be lent', [0, 0], 37_500],
    ['with less where something is lent', [45_000, 0], 27_500],
    ['with half of its share, however much others have', [62_500, 37_000, 0, 0], 6_250],
    ['with nothing once all of it is used', [100_000, 0], 0],
  ])('%s', (_name, held, limit) => {
    const budget = new BufferBudget(100_000)
    expect(budget.limit(holding(budget, ...held))).toBe(limit)
    expect(budget.isFull).toBe(limit === 0)
  })
})

test('a poll brings no more than that: few messages until their size is known, then more where they are small; one at least', () => {
  const budget = new BufferBudget(1_000_000)
  const all = holding(budget, 0)
  expect(budget.pollSize(all)).toBe(30)
  for (let polls = 0; polls < 50; polls++) budget.polled(10, 9_990)
  expect(budget.pollSize(all)).toBe(500)
  for (let polls = 0; polls < 50; polls++) budget.polled(10, 10)
  expect(budget.pollSize(all)).toBe(1_000)
  for (let polls = 0; polls < 50; polls++) budget.polled(1, 1e9)
  budget.polled(0, 0)
  expect(budget.pollSize(all)).toBe(1)
})

/** Messages of about a kilobyte, and what a run holds of them. */
function watchHeld(running: () => RunningConsumers | undefined) {
  let most = 0
  return {
    look(): void {
      const partitions =
        running()
          ?.health()
          .consumers.flatMap((consumer) => consumer.partitions) ?? []
      most = Math.max(
        most,
        partitions.reduce((sum, { heldBytes }) => sum + heldBytes, 0),
      )
    },
    get most() {
      return most
    },
  }
}

class Padded extends ProducerManifest<{ n: number; pad: string }> {
  override readonly topic = 'items'
}
const send = (setup: ReturnType<typeof setUp>, numbers: readonly number[], partition: number, bytes = 1_000) =>
  setup.messaging.registry.sendMany(
    Padded,
    numbers.map((n) => ({ n, pad: 'x'.repeat(bytes) })),
    { partition },
  )

describe('in a run', () => {
  test('what all partitions hold stays within the bound and one poll, and those that stand still leave room for others', async () => {
    const bound = 200 * 1_024
    await using setup = setUp({ consumer: { bufferTotalMaxBytes: bound, concurrency: 100 } }, { partitions: 20 })
    let running: RunningConsumers | undefined
    const held = watchHeld(() => running)
    const gate = Promise.withResolvers<void>()
    const [moving, all] = [new Collected<number>(), new Map<number, number[]>()]
    const Items = handling(async (message) => {
      held.look()
      if (message.partition < 18) await gate.promise
      else moving.add(numberOf(message))
      all.set(message.partition, [...(all.get(message.partition) ?? []), numberOf(message)])
    })
    for (let partition = 0; partition < 20; partition++) await send(setup, range(1, 100), partition)
    running = await setup.messaging.consumers.run([Items])
    await moving.count(200)
    gate.resolve()
    await eventually(() => expect([...all.values()].flat()).toHaveLength(2_000))
    expect(new Set([...all.values()].map((numbers) => numbers.join()))).toEqual(new Set([range(1, 100).join()]))
    expect(held.most).toBeGreaterThan(bound / 4)
    // The bound, and one message.
    expect(held.most).toBeLessThan(bound + 3_000)
    await running.stop()
  })

  test('a message that is larger than all of it is handled, as are those after it', async () => {
    await using setup = setUp({ consumer: { bufferTotalMaxBytes: 10_000 } }, { partitions: 2 })
    const seen = new Collected<number>()
    await send(setup, [1, 2, 3], 0, 100_000)
    await send(setup, range(11, 30), 1)
    await using _ = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    const numbers = await seen.count(23)
    expect(numbers.filter((n) => n < 10)).toEqual([1, 2, 3])
    expect(numbers.filter((n) => n > 10)).toEqual(range(11, 30))
  })

  test('batches that wait for more do not wait where nothing can come', async () => {
    await using setup = setUp({ consumer: { bufferTotalMaxBytes: 20_000, maxWaitMs: 1_000_000 } })
    const batches = new Collected<number>()
    await send(setup, range(1, 100), 0)
    await using _ = await setup.messaging.consumers.run([
      handlingBatches((messages) => batches.add(messages.length), { maxMessages: 90 }),
    ])
    await batches.count(1)
    expect(batches.values[0]).toBeLessThan(90)
  })

  test('what was held by a client that is replaced, or a partition that is sought elsewhere, is given back', async () => {
    await using setup = setUp({ consumer: { bufferTotalMaxBytes: 20_000, instanceId: 'one', drainTimeoutMs: 1 } })
    const seen = new Collected<number>()
    let gate = Promise.withResolvers<void>()
    const Items = handling(async (message) => {
      seen.add(numberOf(message))
      await gate.promise
    })
    await send(setup, range(1, 100), 0)
    const running = await setup.messaging.consumers.run([Items])
    await seen.count(1)
    const heldBytes = () => running.health().consumers[0]!.partitions[0]?.heldBytes ?? 0
    await eventually(() => expect(heldBytes()).toBeGreaterThan(10_000))
    const sought = running.seek(Items, { topic: 'items', partition: 0, offset: 90 })
    gate.resolve()
    await sought
    await seen.count(11)
    expect(seen.values.slice(-10)).toEqual(range(91, 100))
    expect(heldBytes()).toBeLessThanOrEqual(2_500)
    gate = Promise.withResolvers()
    await running.stop({ timeoutMs: 0 })
  })
})

test('who waits for room is told once', () => {
  const budget = new BufferBudget(100)
  const freed = vi.fn()
  budget.free(0)
  budget.onFreed = freed
  budget.free(1)
  budget.free(1)
  expect(freed).toHaveBeenCalledOnce()
})
