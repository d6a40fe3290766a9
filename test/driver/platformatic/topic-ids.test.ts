import { expect, test } from 'vitest'
import { TopicIds } from '../../../src/driver/platformatic/topic-ids.ts'
import { namesOf } from './fake-coordinator.ts'

function createIds(known: Record<string, string>) {
  const asked: (readonly string[])[] = []
  const ids = new TopicIds({
    metadata: (topics) => {
      asked.push(namesOf(topics))
      return Promise.resolve(
        new Map(namesOf(topics).map((name) => [name, { errorCode: 0, leaders: [1], topicId: known[name] }])),
      )
    },
  })
  return { ids, asked }
}

test('partitions go out by the ids of their topics, and come back by their names', async () => {
  const { ids, asked } = createIds({ orders: 'id-1', bills: 'id-2' })
  const partitions = [
    { topic: 'orders', partition: 0 },
    { topic: 'orders', partition: 2 },
    { topic: 'bills', partition: 1 },
  ]
  const written = [
    { topicId: 'id-1', partitions: [0, 2] },
    { topicId: 'id-2', partitions: [1] },
  ]
  expect(await ids.toPartitions(written, ['orders', 'bills'])).toEqual(partitions)
  expect(await ids.toRequest(partitions)).toEqual(written)
  // Asked for once.
  expect(asked).toEqual([['orders', 'bills']])
})

test('a topic that nobody knows yet is left out, and asked for again', async () => {
  const known: Record<string, string> = {}
  const { ids, asked } = createIds(known)
  const written = [{ topicId: 'id-1', partitions: [0] }]
  expect(await ids.toPartitions(written, ['orders'])).toEqual([])
  expect(await ids.toRequest([{ topic: 'orders', partition: 0 }])).toEqual([])
  known['orders'] = 'id-1'
  expect(await ids.toPartitions(written, ['orders'])).toEqual([{ topic: 'orders', partition: 0 }])
  expect(asked).toHaveLength(3)
})
