import { expect, test } from 'vitest'
import type { DriverMessage } from '../../../src/driver/driver.ts'
import { PartitionQueue } from '../../../src/driver/platformatic/partition-queue.ts'
import { TopicQueues } from '../../../src/driver/platformatic/topic-queues.ts'

const identity = { producerId: 1n, epoch: 0 }
const message: DriverMessage = {
  topic: 't',
  partition: 0,
  timestamp: 0,
  key: null,
  value: Buffer.alloc(10),
  headers: undefined,
}
const settlement = { settle: () => undefined }

function queueWith(...cameAtMs: readonly number[]): PartitionQueue {
  const queue = new PartitionQueue(new TopicQueues('t', 'murmur2'), 0, identity)
  for (const nowMs of cameAtMs) queue.append(message, settlement, nowMs, 10, 1000)
  return queue
}

test('a batch takes what comes within its time, then another begins', () => {
  expect(queueWith(0, 5, 10, 11, 12).batches.map(({ count }) => count)).toEqual([3, 2])
})

test('a full batch is followed by another', () => {
  const queue = queueWith()
  for (let index = 0; index < 30; index++) queue.append(message, settlement, 0, 10, 500)
  expect(queue.batches.length).toBeGreaterThan(1)
  expect(queue.batches.reduce((sum, { count }) => sum + count, 0)).toBe(30)
})

test('a message without a time gets the present one', () => {
  const before = Date.now()
  const queue = queueWith(0)
  expect(queue.first!.timestamps[0]).toBeGreaterThanOrEqual(before)
})

test('numbers go on by what is stored, and stay where it is refused', () => {
  const queue = queueWith(0, 1, 100)
  queue.shift({ isStored: true })
  expect(queue.sequence).toBe(2)
  queue.shift({ isStored: false })
  expect([queue.sequence, queue.identity]).toEqual([2, identity])
})

test('numbers begin anew at the end of 31 bits', () => {
  const queue = queueWith(0, 1, 2)
  queue.sequence = 2 ** 31 - 2
  queue.shift({ isStored: true })
  expect(queue.sequence).toBe(1)
})

test('after doubt about the first batch a new identity is needed, and nothing else is left of it', () => {
  const queue = queueWith(0, 100)
  Object.assign(queue, {
    mayBeStored: true,
    attempts: 3,
    isExpired: true,
    trouble: { code: 'DRIVER_FAILED', reason: '' },
  })
  queue.shift({ isStored: false })
  expect(queue).toMatchObject({
    identity: undefined,
    mayBeStored: false,
    attempts: 0,
    isExpired: false,
    trouble: undefined,
  })
  queue.sequence = 5
  queue.identify({ producerId: 2n, epoch: 0 })
  expect(queue).toMatchObject({ sequence: 0, identity: { producerId: 2n } })
})

test('parts of a batch take its place', () => {
  const queue = queueWith(0, 1, 100)
  const batch = queue.first!
  queue.shift({ isStored: false }, [batch.pick((index) => index === 0), batch.pick((index) => index === 1)])
  expect(queue.batches.map(({ count }) => count)).toEqual([1, 1, 1])
})
