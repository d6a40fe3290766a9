import { expect, test } from 'vitest'
import type { ClientProfile, DriverMessage } from '../../../src/driver/driver.ts'
import { TopicQueues } from '../../../src/driver/platformatic/topic-queues.ts'
import { partitionByCrc32, partitionByMurmur2 } from '../../../src/driver/partitioners.ts'

function message(key: string | null, partition = -1): DriverMessage {
  return {
    topic: 't',
    partition,
    timestamp: 0,
    key: key === null ? null : Buffer.from(key),
    value: null,
    headers: undefined,
  }
}

function topicWith(partitioner: ClientProfile['partitioner'], leaders: readonly number[]): TopicQueues {
  const topic = new TopicQueues('t', partitioner)
  topic.leaders = leaders
  return topic
}

const five = [1, 2, 3, 1, 2]

test('a partition that is named is taken', () => {
  expect(topicWith('murmur2', five).choosePartition(message('key', 4))).toBe(4)
})

test.each(['', 'a', 'order-1'])('key "%s" goes where the partitioner says', (key) => {
  const bytes = Buffer.from(key)
  expect(topicWith('murmur2', five).choosePartition(message(key))).toBe(partitionByMurmur2(bytes, 5))
  if (key !== '') expect(topicWith('crc32', five).choosePartition(message(key))).toBe(partitionByCrc32(bytes, 5))
})

test.each([
  ['murmur2', null],
  ['crc32', null],
  ['crc32', ''],
  ['random', 'a key'],
] as const)('%s keeps to one partition for %j until its batch leaves', (partitioner, key) => {
  const topic = topicWith(partitioner, five)
  const chosen = new Set<number>()
  for (let round = 0; round < 200; round++) {
    const partition = topic.choosePartition(message(key))
    expect(topic.choosePartition(message(key))).toBe(partition)
    topic.release((partition + 1) % 5)
    expect(topic.choosePartition(message(key))).toBe(partition)
    topic.release(partition)
    chosen.add(partition)
  }
  expect(chosen).toEqual(new Set([0, 1, 2, 3, 4]))
})

test('without a key, partitions that have a leader are chosen while there are any', () => {
  const topic = topicWith('murmur2', [-1, 2, -1])
  expect(topic.choosePartition(message(null))).toBe(1)
  topic.release(1)
  topic.leaders = [-1, -1]
  expect([0, 1]).toContain(topic.choosePartition(message(null)))
})

test('a queue is made once for each partition', () => {
  const topic = topicWith('murmur2', five)
  expect(topic.queue(3, undefined)).toBe(topic.queue(3, undefined))
  expect(topic.queue(3, undefined).partition).toBe(3)
})
