import { expect, test } from 'vitest'
import { loadDriver } from '../../src/driver/load-driver.ts'

test.each(['confluent', 'memory'] as const)('%s is found by its name', async (name) => {
  expect((await loadDriver(name)).name).toBe(name)
})

test('a driver module is taken as it is', async () => {
  const own = { name: 'own', needsBrokers: () => false, createDriver: () => Promise.reject(new Error('unused')) }
  expect(await loadDriver(own)).toBe(own)
})

test('each memory driver by name is a broker of its own', async () => {
  expect(await loadDriver('memory')).not.toBe(await loadDriver('memory'))
})
