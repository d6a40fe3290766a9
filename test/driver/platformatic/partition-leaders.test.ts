import { expect, test } from 'vitest'
import type { TopicMetadata } from '../../../src/driver/platformatic/cluster.ts'
import { PartitionLeaders } from '../../../src/driver/platformatic/partition-leaders.ts'
import { namesOf } from './fake-coordinator.ts'

const topics: Record<string, TopicMetadata> = {
  orders: { errorCode: 0, leaders: [4, -1] },
  secret: { errorCode: 29, leaders: [] },
}

function createLeaders(): PartitionLeaders {
  return new PartitionLeaders({
    metadata: (names) =>
      Promise.resolve(new Map(namesOf(names).flatMap((name) => (topics[name] ? [[name, topics[name]]] : [])))),
    failureOfNumber: (number, detail) => ({ code: 'DRIVER_FAILED', driverCode: number, reason: String(detail) }),
  })
}

test('leaders are known once they were asked for', async () => {
  const leaders = createLeaders()
  expect(leaders.leaderOf({ topic: 'orders', partition: 0 })).toBe(-1)
  await leaders.refresh(['orders'])
  expect(leaders.leaderOf({ topic: 'orders', partition: 0 })).toBe(4)
  expect(leaders.leaderOf({ topic: 'orders', partition: 1 })).toBe(-1)
})

test('a partition without one has a reason', async () => {
  const leaders = createLeaders()
  await leaders.refresh(['orders', 'secret'])
  expect(leaders.failureOf({ topic: 'secret', partition: 0 })).toMatchObject({ driverCode: 29, reason: 'secret' })
  expect(leaders.failureOf({ topic: 'orders', partition: 1 })).toMatchObject({ driverCode: 5, reason: 'orders/1' })
  expect(leaders.failureOf({ topic: 'orders', partition: 2 })).toEqual({
    code: 'PARTITION_NOT_FOUND',
    reason: 'orders has 2 partitions',
  })
  expect(leaders.failureOf({ topic: 'gone', partition: 0 })).toMatchObject({ driverCode: 3 })
})
