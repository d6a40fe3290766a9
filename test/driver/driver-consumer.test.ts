import { expect, test } from 'vitest'
import { canConsume } from '../../src/driver/driver-consumer.ts'
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
