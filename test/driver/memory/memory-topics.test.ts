import { expect, test } from 'vitest'
import { MemoryTopics } from '../../../src/driver/memory/memory-topics.ts'
import { createMessage } from '../fake-driver.ts'

test('offsets count by partition, and who watches hears of topics and records once they are there', () => {
  const topics = new MemoryTopics()
  const seen: unknown[] = []
  topics.onCreated.add(() => seen.push(topics.names()))
  topics.onAppended.add(() => seen.push(topics.get('orders')!.map((records) => records.length)))
  topics.create('orders', 2)
  const records = ['a', 'b'].map((value) => topics.append(createMessage(value), 1, 6))
  expect([...records, topics.append(createMessage('c'), 0, 7)].map(({ offset }) => offset)).toEqual([0, 1, 0])
  expect(seen).toEqual([['orders'], [0, 1], [0, 2], [1, 2]])
  expect(topics.get('orders')![1]![1]).toMatchObject({ partition: 1, offset: 1, timestamp: 6, headers: [] })
  expect(topics.get('other')).toBeUndefined()
})
