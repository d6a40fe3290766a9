import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PartitionTurn } from '../../../src/consumer/partition/partition-turn.ts'
import { WorkerSlots } from '../../../src/consumer/partition/worker-slots.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp() {
  const slots = new WorkerSlots(1)
  const state = { isOver: false }
  const [one, other] = [new PartitionTurn(slots, () => state.isOver), new PartitionTurn(slots, () => state.isOver)]
  return { one, other, state }
}

test('all of one partition share its place, which is free once nobody takes part', async () => {
  const { one, other } = setUp()
  expect([one.occupy(), one.occupy()]).toEqual([undefined, undefined])
  const waiting = [other.occupy(), other.occupy()]
  expect(waiting[0]).toBe(waiting[1])
  one.vacate()
  one.vacate()
  await waiting[0]
  expect(other.occupy()).toBeUndefined()
})

test('who waits leaves the place to others, shows why, and has it again afterwards', async () => {
  const { one, other } = setUp()
  void one.occupy()
  const waited = one.wait('retry', 'another attempt', 1_000)
  expect([...one.waits]).toMatchObject([{ owner: 'retry', reason: 'another attempt', until: Date.now() + 1_000 }])
  expect(other.occupy()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(1_000)
  expect([...one.waits]).toEqual([])
  other.vacate()
  await waited
  expect(other.occupy()).toBeInstanceOf(Promise)
})

test('nobody waits for something when it is over', async () => {
  const { one, state } = setUp()
  void one.occupy()
  void one.occupy()
  const waited = Promise.all([one.wait('throttle', 'its turn', 60_000), one.pauseOver(() => true)])
  state.isOver = true
  one.changed()
  await waited
  expect(vi.getTimerCount()).toBe(0)
})

test('a pause is over when nothing holds it any more', async () => {
  const { one } = setUp()
  let isHeld = true
  void one.occupy()
  const resumed = one.pauseOver(() => isHeld)
  one.changed()
  isHeld = false
  one.changed()
  await expect(resumed).resolves.toBeUndefined()
})
