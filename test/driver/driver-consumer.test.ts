import { expect, test } from 'vitest'
import { canConsume, nameOf } from '../../src/driver/driver-consumer.ts'
import type { DriverModule } from '../../src/driver/driver.ts'

test('a driver that makes no consumers is told apart', () => {
  const module: DriverModule = {
    name: 'sends-only',
    needsBrokers: () => false,
    createDriver: () => Promise.reject(new Error('not asked for')),
  }
  expect(canConsume(module)).toBe(false)
  expect(canConsume({ ...module, createConsumer: () => undefined } as DriverModule)).toBe(true)
})

test('a partition is named by topic and number, with a sign between that no topic has in its name', () => {
  expect(nameOf({ topic: 'orders', partition: 3 })).toBe('orders/3')
  const partitions = ['orders', 'orders-1', 'orders_1', 'orders.1'].flatMap((topic) =>
    [1, 11].map((partition) => ({ topic, partition })),
  )
  expect(new Set(partitions.map(nameOf)).size).toBe(partitions.length)
})
