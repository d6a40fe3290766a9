import { assert, infiniteStream, nat, property, uniqueArray } from '../../fast-check.ts'
import { expect, test } from 'vitest'
import { OffsetTracker } from '../../../src/consumer/partition/offset-tracker.ts'
import { range } from '../consume.ts'

test('nothing may be committed before anything is done', () => {
  const tracker = new OffsetTracker()
  tracker.begin(5)
  expect([tracker.position, tracker.unfinished]).toEqual([undefined, 1])
  tracker.done(5)
  expect([tracker.position, tracker.unfinished]).toEqual([6, 0])
})

test('whatever the order, the position is never past one that is not done, and in the end behind all', () => {
  const distinct = uniqueArray(nat(1_000), { minLength: 1, maxLength: 30 })
  assert(
    property(distinct, infiniteStream(nat()), (offsets, random) => {
      const inOrder = offsets.toSorted((a, b) => a - b)
      const tracker = new OffsetTracker()
      for (const offset of inOrder) tracker.begin(offset)
      const open = new Set(inOrder)
      while (open.size > 0) {
        const list = [...open]
        const offset = list[random.next().value! % list.length]!
        open.delete(offset)
        tracker.done(offset)
        const first = Math.min(...open)
        expect(tracker.position ?? 0).toBeLessThanOrEqual(first)
        expect(tracker.unfinished).toBe(open.size)
        // Not held back either: everything before the first open one counts.
        const before = inOrder.findLast((each) => each < first)
        expect(tracker.position).toBe(before === undefined ? undefined : before + 1)
      }
      expect(tracker.position).toBe(inOrder.at(-1)! + 1)
    }),
  )
})

test('by word of the handler it moves on, and never back', () => {
  const tracker = new OffsetTracker()
  tracker.doneUpTo(7)
  tracker.doneUpTo(3)
  expect(tracker.position).toBe(8)
})

test('what is unfinished can begin again; the position is never past it', () => {
  const tracker = new OffsetTracker()
  for (const offset of [1, 2, 3, 4]) tracker.begin(offset)
  tracker.done(1)
  tracker.done(3)
  tracker.forgetUnfinished()
  expect([tracker.position, tracker.unfinished]).toEqual([2, 0])
  for (const offset of [2, 4]) tracker.begin(offset)
  tracker.done(4)
  expect(tracker.position).toBe(2)
  tracker.done(2)
  expect(tracker.position).toBe(5)
})

test('what is begun behind one that is not done is counted, and what is done before it is forgotten', () => {
  const tracker = new OffsetTracker()
  for (const offset of range(0, 9_999)) {
    tracker.begin(offset)
    if (offset % 2 === 0) continue
    tracker.done(offset)
    expect(tracker.length).toBe(2)
    tracker.done(offset - 1)
    expect(tracker.length).toBe(0)
  }
  expect(tracker.position).toBe(10_000)
})
