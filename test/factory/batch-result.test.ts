import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/errors/codes.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { BatchResult } from '../../src/factory/batch-result.ts'
import { catchRejection } from '../catch-error.ts'

const report = (offset: number) => ({ topic: 'orders', partition: 0, offset, timestamp: 1 })
const failure = (outcome: Outcome, retriable = true): MessagingError =>
  new MessagingError('DRIVER_FAILED', { reason: `${outcome} it was` }, { outcome, retriable })

test('resolves with the reports by index, in whatever order they come, and not before the last', async () => {
  const batch = new BatchResult('M', 'orders', 3)
  let settled = false
  void batch.promise.then(() => (settled = true))
  batch.succeed(2, report(12))
  batch.succeed(0, report(10))
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  expect(settled).toBe(false)
  batch.succeed(1, report(11))
  expect((await batch.promise).map(({ offset }) => offset)).toEqual([10, 11, 12])
})

test('waits for the last message even when one has failed long before', async () => {
  const batch = new BatchResult('M', 'orders', 2)
  let settled = false
  batch.promise.catch(() => (settled = true))
  batch.fail(0, failure('unknown'))
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  expect(settled).toBe(false)
  batch.succeed(1, report(0))
  expect((await catchRejection(batch.promise)).code).toBe('BATCH_FAILED')
})

test('names failures by index in order, keeps the reports of the others, and tells of the first', async () => {
  const batch = new BatchResult('M', 'orders', 4)
  const [third, first] = [failure('rejected'), failure('not_sent')]
  batch.fail(3, third)
  batch.succeed(0, report(10))
  batch.fail(1, first)
  batch.succeed(2, report(11))
  const error = await catchRejection(batch.promise)
  expect(error).toMatchObject({ code: 'BATCH_FAILED', manifest: 'M', topic: 'orders', cause: first })
  expect(error.failures).toEqual([
    { index: 1, error: first },
    { index: 3, error: third },
  ])
  expect(error.reports).toEqual([report(10), undefined, report(11), undefined])
  expect(error.message).toBe(
    '2 of 4 messages of M failed; the first at index 1 with DRIVER_FAILED: The driver failed: not_sent it was.',
  )
})

describe('of several failures', () => {
  test.each<[outcomes: Outcome[], worst: Outcome]>([
    [['not_sent', 'not_sent'], 'not_sent'],
    [['not_sent', 'rejected'], 'rejected'],
    [['rejected', 'unknown', 'not_sent'], 'unknown'],
    [['unknown'], 'unknown'],
  ])('%j the outcome is %s', async (outcomes, worst) => {
    const batch = new BatchResult('M', 'orders', outcomes.length)
    for (const [index, outcome] of outcomes.entries()) batch.fail(index, failure(outcome))
    expect((await catchRejection(batch.promise)).outcome).toBe(worst)
  })

  test.each([
    [[true, true], true],
    [[true, false], false],
    [[false, false], false],
  ])('retriable %j makes %s', async (retriables, expected) => {
    const batch = new BatchResult('M', 'orders', retriables.length)
    for (const [index, retriable] of retriables.entries()) batch.fail(index, failure('not_sent', retriable))
    expect((await catchRejection(batch.promise)).retriable).toBe(expected)
  })
})
