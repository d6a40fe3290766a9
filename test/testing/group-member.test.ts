import { expect, test } from 'vitest'
import { createMemoryDriver } from '../../src/testing.ts'
import { GroupMember } from '../../src/testing/group-member.ts'
import { createConsumerOptions } from '../driver/consumer-options.ts'
import { createDriverOptions } from '../driver/driver-options.ts'
import { createMessage } from '../driver/fake-driver.ts'

test('a member keeps what it is told and gets, and says when something is so', async () => {
  const broker = createMemoryDriver({ partitions: 2 })
  const producer = await broker.createDriver(createDriverOptions())
  producer.produce({ ...createMessage('a'), partition: 1 }, { settle: () => undefined })
  const member = new GroupMember()
  member.consumer = await broker.createConsumer(createConsumerOptions({ listener: member }))
  await member.consumer.subscribe(['orders'])
  member.run()
  await member.until(({ received }) => received.length === 1)
  expect([member.told, member.texts(1), member.texts(0)]).toEqual([['assigned 0 1'], ['a'], []])
  broker.endSessions('group')
  await member.until(({ told }) => told.length === 3)
  expect(member.told.slice(1)).toEqual(['lost 0 1', 'assigned 0 1'])
  await member.stop()
  await member.close()
})

test('what a poll fails with ends the wait', async () => {
  const broker = createMemoryDriver()
  const member = new GroupMember()
  member.consumer = await broker.createConsumer(createConsumerOptions({ listener: member }))
  await member.consumer.close()
  member.run()
  await expect(member.until(() => false)).rejects.toMatchObject({ code: 'DRIVER_FAILED' })
})
