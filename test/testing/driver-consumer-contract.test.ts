import { describe, expect, test } from 'vitest'
import type { ConsumingDriverModule, DriverConsumer } from '../../src/driver.ts'
import { createMemoryDriver, describeDriverConsumerContract, type MemoryDriver } from '../../src/testing.ts'
import { failuresOfContract } from './run-contract.ts'

/** Runs the contract on the memory driver with some methods replaced; gives what fails. */
function failuresOf(change: (consumer: DriverConsumer) => Partial<DriverConsumer>, only: RegExp): Promise<string[]> {
  const memory: MemoryDriver = createMemoryDriver({ partitions: 3 })
  const driver: ConsumingDriverModule = {
    name: 'broken',
    needsBrokers: () => false,
    createDriver: (options) => memory.createDriver(options),
    async createConsumer(options) {
      const consumer = await memory.createConsumer(options)
      const methods = [
        'subscribe',
        'assign',
        'poll',
        'pause',
        'resume',
        'seek',
        'commit',
        'committed',
        'watermarks',
        'partitionCount',
        'close',
      ] as const
      const bound = Object.fromEntries(methods.map((name) => [name, (consumer[name] as () => unknown).bind(consumer)]))
      // Itself, since the driver's transactions know their consumers.
      return Object.assign(consumer, change(bound as unknown as DriverConsumer))
    },
  }
  const start = () =>
    Promise.resolve({
      options: { driver },
      partitions: 3,
      read: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    })
  return failuresOfContract((runner) => describeDriverConsumerContract({ name: 'under test', start }, runner), only)
}

describe('a driver that breaks the contract is found out', () => {
  test.each<[string, RegExp, (consumer: DriverConsumer) => Partial<DriverConsumer>]>([
    [
      'loses what stands before the end',
      /watermarks/,
      () => ({ watermarks: () => Promise.resolve({ low: 0, high: 2 }) }),
    ],
    [
      'does not end a poll',
      /one poll at a time/,
      (consumer) => ({ close: () => consumer.close().then(() => Promise.reject(new Error('closed badly'))) }),
    ],
    ['counts too few partitions', /are counted/, () => ({ partitionCount: () => Promise.resolve(1) })],
    ['seeks nowhere', /a seek goes/, () => ({ seek: () => Promise.resolve() })],
    ['commits anything', /many commits/, () => ({ commit: () => Promise.resolve() })],
    [
      'takes offsets of others into transactions',
      /offsets in a transaction/,
      () => ({ refusal: () => undefined }) as Partial<DriverConsumer>,
    ],
    [
      'forgets offsets in transactions',
      /who takes a partition over/,
      () => ({ pend: () => () => undefined }) as Partial<DriverConsumer>,
    ],
    ['takes too much', /a poll takes/, (consumer) => ({ poll: (_, timeoutMs) => consumer.poll(100, timeoutMs) })],
  ])('%s', async (_, only, change) => {
    expect(await failuresOf(change, only)).toHaveLength(1)
  })

  test('one that keeps it passes', async () => {
    expect(await failuresOf(() => ({}), /./)).toEqual([])
  })
})
