import { describe, expect, test } from 'vitest'
import { encodeDoneAhead } from '../../../src/consumer/partition/done-ahead.ts'
import { PartitionProgress } from '../../../src/consumer/partition/partition-progress.ts'

function begin(progress: PartitionProgress, ...offsets: number[]): PartitionProgress {
  for (const offset of offsets) progress.begin(offset)
  return progress
}

test('what may be committed never passes a message that is not done', () => {
  const progress = begin(new PartitionProgress(false), 5, 6, 7)
  expect([progress.position, progress.begun]).toEqual([undefined, 3])
  progress.done(6)
  expect(progress.position).toBeUndefined()
  progress.done(5)
  expect([progress.position, progress.begun]).toEqual([7, 1])
})

describe('where messages may be done beyond one that waits', () => {
  test('what is done there is committed as text, and is known again by who goes on from it', () => {
    const progress = begin(new PartitionProgress(true), 5, 6, 7)
    progress.done(6)
    const { position, doneAhead } = progress.committable
    expect([position, doneAhead]).toEqual([5, encodeDoneAhead(5, [6])])
    const next = new PartitionProgress(true)
    next.resumeAfter({ topic: 't', partition: 0, offset: 5, metadata: doneAhead })
    expect([5, 6, 7].map((offset) => next.isDone(offset))).toEqual([false, true, false])
  })

  test('offsets below the one that was committed are of another topic of that name: nothing is known of them', () => {
    const progress = new PartitionProgress(true)
    progress.resumeAfter({ topic: 't', partition: 0, offset: 5, metadata: encodeDoneAhead(5, [6]) })
    expect([0, 6].map((offset) => progress.isDone(offset))).toEqual([false, false])
  })
})

test('what is part of a transaction is reached and not committed', () => {
  const progress = new PartitionProgress(false)
  progress.transactedUpTo(9)
  expect([progress.reached, progress.position]).toEqual([10, undefined])
  progress.doneUpTo(11)
  expect([progress.reached, progress.position]).toEqual([12, 12])
})

test('when frozen, what is done later does not count', () => {
  const progress = begin(new PartitionProgress(false), 1, 2, 3)
  progress.done(1)
  progress.freeze((begun) => begun)
  progress.done(2)
  progress.freeze(() => 0)
  expect([progress.isFrozen, progress.position, progress.unfinished]).toEqual([true, 2, 2])
})

test('a restart forgets where it was; what is left begins again', () => {
  const progress = begin(new PartitionProgress(false), 1, 2)
  progress.done(1)
  progress.forgetUnfinished()
  begin(progress, 2).done(2)
  expect(progress.position).toBe(3)
  progress.restart()
  expect([progress.position, progress.begun]).toEqual([undefined, 0])
})
