import { describe, expect, test } from 'vitest'
import { LingerChoice, lingerSteps } from '../../../src/driver/confluent/linger-choice.ts'

/** Readings of a load: what was under way at each report of one, and the partition that each message went to. */
function read(choice: LingerChoice, underWay: number | readonly number[], readings: number, partitions = [0]): number {
  const seen = typeof underWay === 'number' ? [underWay] : underWay
  for (let reading = 0; reading < readings; reading++) {
    for (let report = 0; report < 200; report++) {
      choice.note(seen[report % seen.length]!, { topic: 'orders', partition: partitions[report % partitions.length]! })
    }
    choice.decide()
  }
  return lingerSteps[choice.step]!.batchMessages
}

describe('LingerChoice', () => {
  test.each([
    [1, 10_000, 0],
    [20, 10_000, 0],
    [100, 44, 5],
    [300, 120, 10],
    [1000, 400, 20],
  ])('with %i messages under way a batch has %i at most, and lingers for %d ms', (underWay, batch, lingerMs) => {
    const choice = new LingerChoice()
    expect(read(choice, underWay, 10)).toBe(batch)
    expect(lingerSteps[choice.step]!.lingerMs).toBe(lingerMs)
  })

  test('more than a batch is under way where batches of that number are made', () => {
    for (const { from, batchMessages } of lingerSteps.slice(1)) expect(batchMessages).toBeLessThan(from)
  })

  test('one reading is not enough to climb', () => {
    const choice = new LingerChoice()
    read(choice, 1000, 1)
    read(choice, 1, 1)
    read(choice, 1000, 1)
    expect(choice.step).toBe(0)
    read(choice, 1000, 1)
    expect(choice.step).toBe(3)
  })

  test('a step is left when its batches are no longer filled', () => {
    const choice = new LingerChoice()
    read(choice, 600, 2)
    expect(read(choice, 400, 100)).toBe(400)
    expect(read(choice, 399, 1)).toBe(120)
    expect(read(choice, 119, 1)).toBe(44)
    expect(read(choice, 43, 1)).toBe(10_000)
  })

  test('bursts that run out are not a load that fills batches', () => {
    expect(read(new LingerChoice(), [100, 80, 50, 20], 10)).toBe(10_000)
  })

  test('messages of several partitions fill batches of their own', () => {
    expect(read(new LingerChoice(), 1000, 10, [0, 1, 2, 3])).toBe(120)
    expect(read(new LingerChoice(), 1000, 10, [0, 1, 2, 3, 4, 5, 6, 7])).toBe(44)
    const oneInFifty = Array.from({ length: 50 }, (_, index) => (index === 0 ? 1 : 0))
    expect(read(new LingerChoice(), 1000, 10, oneInFifty)).toBe(10_000)
  })

  test('one message in a hundred may linger', () => {
    const partitions = Array.from({ length: 200 }, (_, index) => (index === 0 ? 1 : 0))
    expect(read(new LingerChoice(), 100, 10, partitions)).toBe(44)
  })

  test('enough to fill a batch of each partition is more where there are several', () => {
    const choice = new LingerChoice()
    read(choice, 1000, 2, [0, 1])
    expect(choice.enoughFor(choice.step)).toBe(800)
  })

  test('silence goes back to no lingering, and says that nothing came', () => {
    const choice = new LingerChoice()
    read(choice, 1000, 2)
    expect(choice.decide()).toBe(false)
    expect(choice.step).toBe(0)
    choice.note(1, { topic: 'orders', partition: 0 })
    expect(choice.decide()).toBe(true)
  })
})
