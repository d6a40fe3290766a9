import { describe, expect, test } from 'vitest'
import type { DriverModule } from '../../src/driver.ts'
import { createMemoryDriver, describeDriverContract, type MemoryDriver } from '../../src/testing.ts'
import { failuresOfContract } from './run-contract.ts'

/** Runs the contract; gives the names of the cases that fail. */
function failuresOf(driver: MemoryDriver, change: (module: DriverModule) => DriverModule): Promise<string[]> {
  const start = () =>
    Promise.resolve({
      options: { driver: change(driver) },
      partitions: 3,
      read: (topic: string) => Promise.resolve(driver.records(topic).map(({ topic: _, ...record }) => record)),
      close: () => Promise.resolve(),
    })
  return failuresOfContract((runner) => describeDriverContract({ name: 'under test', start }, runner))
}

/** The memory driver, but for what a message becomes on its way. */
function altered(driver: MemoryDriver, alter: (...call: Parameters<Produce>) => Parameters<Produce>): DriverModule {
  return {
    ...driver,
    async createDriver(options) {
      const created = await driver.createDriver(options)
      return { ...created, produce: (...call) => created.produce(...alter(...call)) }
    },
  }
}

type Produce = Awaited<ReturnType<DriverModule['createDriver']>>['produce']

test('a driver that keeps every promise passes, with any framework', async () => {
  expect(await failuresOf(createMemoryDriver({ partitions: 3 }), (module) => module)).toEqual([])
})

describe('a driver that breaks a promise is found', () => {
  test('headers that lose their order', async () => {
    const driver = createMemoryDriver({ partitions: 3 })
    const failed = await failuresOf(driver, () =>
      altered(driver, (message, settlement) => [{ ...message, headers: message.headers?.toReversed() }, settlement]),
    )
    expect(failed).toEqual(['a message is stored byte for byte where its report says'])
  })

  test('another partitioner', async () => {
    const driver = createMemoryDriver({ partitions: 3 })
    const failed = await failuresOf(driver, () =>
      altered(driver, (message, settlement) => [
        { ...message, partition: message.partition < 0 && message.key ? message.key.length % 3 : message.partition },
        settlement,
      ]),
    )
    expect(failed).toEqual(['a key goes to the partition that the Java client chooses'])
  })

  test('tombstones that become empty', async () => {
    const driver = createMemoryDriver({ partitions: 3 })
    const failed = await failuresOf(driver, () =>
      altered(driver, (message, settlement) => [{ ...message, value: message.value ?? Buffer.alloc(0) }, settlement]),
    )
    expect(failed).toEqual(['empty and absent are different things, for value and key'])
  })

  test('wrong offsets', async () => {
    const driver = createMemoryDriver({ partitions: 3 })
    const failed = await failuresOf(driver, () =>
      altered(driver, (message, settlement) => [
        message,
        {
          settle: (failure, partition, _offset, timestamp) => settlement.settle(failure, partition, 0, timestamp),
        },
      ]),
    )
    expect(failed).toContain('a thousand concurrent first sends share one client')
    expect(failed).toContain('messages without a key go to partitions that exist')
  })
})
