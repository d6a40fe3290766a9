import { expect, test } from 'vitest'
import { locateFeeds } from '../../../src/driver/platformatic/locate-feeds.ts'
import { PartitionFeed, type Start } from '../../../src/driver/platformatic/partition-feed.ts'

function feedAt(partition: number, start: Start): PartitionFeed {
  const feed = new PartitionFeed({ topic: 't', partition })
  feed.findAt(start)
  return feed
}

test('where the group is, else where it begins, else where somebody has said', async () => {
  const feeds = [feedAt(0, 'committed'), feedAt(1, 'committed'), feedAt(2, 'latest')]
  const asked: unknown[] = []
  await locateFeeds(
    feeds,
    {
      committed: (partitions) =>
        Promise.resolve(partitions.map((partition) => ({ ...partition, offset: partition.partition === 0 ? 7 : -1 }))),
    },
    {
      find: (positions) => {
        asked.push(...positions)
        return Promise.resolve(positions.map(({ topic, partition }) => ({ topic, partition, offset: 100 + partition })))
      },
    },
    'earliest',
  )
  expect(asked).toEqual([
    { topic: 't', partition: 1, offset: 'earliest' },
    { topic: 't', partition: 2, offset: 'latest' },
  ])
  expect(feeds.map(({ position }) => position)).toEqual([7, 101, 102])
})

test('one that is moved meanwhile stays there', async () => {
  const [first, second] = [feedAt(0, 'committed'), feedAt(1, 'earliest')]
  await locateFeeds(
    [first, second],
    {
      committed: (partitions) => {
        first.moveTo(3)
        return Promise.resolve(partitions.map((partition) => ({ ...partition, offset: 7 })))
      },
    },
    {
      find: (positions) => {
        second.moveTo(4)
        return Promise.resolve(positions.map(({ topic, partition }) => ({ topic, partition, offset: 0 })))
      },
    },
    'earliest',
  )
  expect([first.position, second.position]).toEqual([3, 4])
})
