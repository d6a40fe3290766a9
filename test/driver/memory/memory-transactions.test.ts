import { expect, test } from 'vitest'
import type { DriverConsumer } from '../../../src/driver/driver-consumer.ts'
import { createMemoryDriver } from '../../../src/driver/memory/memory-driver.ts'
import { MemoryTopics } from '../../../src/driver/memory/memory-topics.ts'
import { MemoryTransactions } from '../../../src/driver/memory/memory-transactions.ts'
import { createConsumerOptions } from '../consumer-options.ts'
import { createDriverOptions } from '../driver-options.ts'
import { createMessage } from '../fake-driver.ts'

/** A topic with one partition, and who stores to it in transactions. */
function createTopic() {
  const topics = new MemoryTopics()
  topics.create('orders', 1)
  const transactions = new MemoryTransactions(topics)
  const store = (value: string) => transactions.records.push(topics.append(createMessage(value), 0, 1, true))
  const committed = (): string[] =>
    topics
      .get('orders')![0]!
      .filter((record) => topics.isCommitted(record))
      .map(({ value }) => String(value))
  return { topics, transactions, store, committed }
}

test('what is stored in a transaction is seen after its commit, never after its abort', async () => {
  const { topics, transactions, store, committed } = createTopic()
  await transactions.begin()
  store('aborted')
  expect(topics.isOpen(topics.get('orders')![0]![0]!)).toBe(true)
  await transactions.abort()
  await transactions.begin()
  store('committed')
  expect(committed()).toEqual([])
  await transactions.commit()
  expect(committed()).toEqual(['committed'])
  expect(topics.get('orders')![0]!.some((record) => topics.isOpen(record))).toBe(false)
})

test('calls out of order are refused', async () => {
  const transactions = new MemoryTransactions(new MemoryTopics())
  expect(transactions.refusal()).toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(await transactions.commit()).toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(await transactions.begin()).toBeUndefined()
  expect(transactions.refusal()).toBeUndefined()
  expect(await transactions.begin()).toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(await transactions.sendOffsets([], undefined)).toBeUndefined()
})

test('offsets of a consumer are committed with the transaction, and only those that it may commit', async () => {
  const broker = createMemoryDriver({ partitions: 1 })
  const transaction = { id: 'one', timeoutMs: 1000 }
  const driver = await broker.createDriver(createDriverOptions({ transaction }))
  await driver.ensureTopic!({ topic: 'orders', partitions: 1, replicationFactor: 1, config: {} })
  const consumer = await broker.createConsumer(createConsumerOptions())
  await consumer.subscribe(['orders'])
  await consumer.poll(1, 0)
  const transactions = driver.transactions!
  const send = (partition: number) => transactions.sendOffsets([{ topic: 'orders', partition, offset: 5 }], consumer)
  await transactions.begin()
  await send(0)
  await transactions.abort()
  await transactions.begin()
  expect(broker.committed('group')).toEqual([])
  expect(await send(1)).toMatchObject({ code: 'GROUP_REJOIN_REQUIRED' })
  expect(await send(0)).toBeUndefined()
  await transactions.commit()
  expect(broker.committed('group')).toEqual([{ topic: 'orders', partition: 0, offset: 5 }])
})

test('nobody is given a partition whose offset is in an open transaction; then it starts there', async () => {
  const broker = createMemoryDriver({ partitions: 1 })
  const transaction = { id: 'one', timeoutMs: 1000 }
  const driver = await broker.createDriver(createDriverOptions({ transaction }))
  const plain = await broker.createDriver(createDriverOptions())
  for (const value of ['a', 'b']) plain.produce(createMessage(value), { settle: () => undefined })
  const first = await broker.createConsumer(createConsumerOptions())
  await first.subscribe(['orders'])
  await first.poll(1, 0)
  const transactions = driver.transactions!
  await transactions.begin()
  await transactions.sendOffsets([{ topic: 'orders', partition: 0, offset: 1 }], first)
  await first.close()
  const second = await broker.createConsumer(createConsumerOptions())
  await second.subscribe(['orders'])
  expect(await second.poll(10, 0)).toEqual([])
  const waiting = second.poll(10, 60_000)
  await transactions.commit()
  expect((await waiting).map(({ offset }) => offset)).toEqual([1])
})

test('a consumer of committed messages waits for open transactions and leaves aborted ones out', async () => {
  const broker = createMemoryDriver({ partitions: 1 })
  const driver = await broker.createDriver(createDriverOptions({ transaction: { id: 'one', timeoutMs: 1000 } }))
  const plain = await broker.createDriver(createDriverOptions())
  const partition = { topic: 'orders', partition: 0 }
  const poll = async (consumer: DriverConsumer) => (await consumer.poll(10, 0)).map(({ value }) => String(value))
  const committed = await broker.createConsumer(createConsumerOptions())
  const all = await broker.createConsumer(createConsumerOptions({ isolation: 'uncommitted' }))
  const nothing = { settle: () => undefined }
  await driver.transactions!.begin()
  driver.produce(createMessage('aborted'), nothing)
  plain.produce(createMessage('after'), nothing)
  for (const consumer of [committed, all]) await consumer.assign([{ ...partition, offset: 0 }])
  expect([await poll(committed), await poll(all)]).toEqual([[], ['aborted', 'after']])
  const waiting = committed.poll(10, 60_000)
  await driver.transactions!.abort()
  expect((await waiting).map(({ offset }) => offset)).toEqual([1])
})

test('a fenced client can do nothing any more', async () => {
  const transactions = new MemoryTransactions(new MemoryTopics())
  await transactions.begin()
  transactions.fence()
  for (const failure of [transactions.refusal(), await transactions.commit(), await transactions.begin()])
    expect(failure).toMatchObject({ code: 'PRODUCER_FENCED', fatal: true })
})
