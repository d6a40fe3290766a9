import { expect, onTestFinished, test, vi } from 'vitest'
import { PartitionCount } from '../../src/factory/partition-count.ts'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import type { DriverModule } from '../../src/driver.ts'
import { createMemoryDriver } from '../../src/testing.ts'

test('is asked once, and again after five minutes, when somebody wants it', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  let partitions = 3
  const ask = vi.fn(() => Promise.resolve(partitions))
  const count = new PartitionCount(ask)
  await count.refresh()
  partitions = 6
  expect(count.current).toBe(3)
  vi.advanceTimersByTime(299_999)
  expect(count.current).toBe(3)
  expect(ask).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(1)
  expect([count.current, count.current]).toEqual([3, 3])
  expect(ask).toHaveBeenCalledTimes(2)
  await Promise.resolve()
  expect(count.current).toBe(6)
})

test('what cannot be asked now is asked again a second later, and what is known stays', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const ask = vi.fn<() => Promise<number>>(() => Promise.reject(new Error('no such topic')))
  const count = new PartitionCount(ask)
  await count.refresh()
  expect(count.current).toBeUndefined()
  ask.mockResolvedValue(4)
  vi.advanceTimersByTime(1000)
  expect(count.current).toBeUndefined()
  await Promise.resolve()
  expect(count.current).toBe(4)
  ask.mockRejectedValue(new Error('down'))
  vi.advanceTimersByTime(300_000)
  expect(count.current).toBe(4)
  await Promise.resolve()
  expect(count.current).toBe(4)
})

class Routed extends ProducerManifest<{ shop: number }> {
  topic = 'routed'
  override partition({ shop }: { shop: number }, _key: Buffer | null, partitions?: number) {
    return partitions === undefined ? 0 : shop % partitions
  }
}

test('the partition method of a manifest is told the number of partitions', async () => {
  await using messaging = createMessaging({ driver: createMemoryDriver({ partitions: 5 }) }, {})
  const sent = await messaging.registry.sendMany(Routed, [{ shop: 7 }, { shop: 9 }])
  expect(sent.map(({ partition }) => partition)).toEqual([2, 4])
})

test('a driver is not asked for manifests that leave the choice to the partitioner', async () => {
  const memory = createMemoryDriver()
  const partitionCount = vi.fn(() => Promise.resolve(3))
  const driver: DriverModule = {
    ...memory,
    createDriver: async (options) => ({ ...(await memory.createDriver(options)), partitionCount }),
  }
  class Plain extends ProducerManifest<string> {
    topic = 'plain'
  }
  await using messaging = createMessaging({ driver }, {})
  await messaging.registry.send(Plain, 'x')
  expect(partitionCount).not.toHaveBeenCalled()
  await messaging.registry.send(Routed, { shop: 4 })
  expect(partitionCount).toHaveBeenCalledExactlyOnceWith('routed')
})
