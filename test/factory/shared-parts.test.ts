import { expect, test } from 'vitest'
import { ConfigStore } from '../../src/config/config-store.ts'
import { SharedParts } from '../../src/factory/shared-parts.ts'

const config = (options = {}) => {
  const store = new ConfigStore({})
  store.configure({ driver: 'memory', schemaRegistry: { url: 'memory:' }, ...options })
  return store.resolve()
}

test('two have different names, and each keeps its own', () => {
  const parts = [new SharedParts(), new SharedParts()] as const
  expect(parts[0].instance).not.toBe(parts[1].instance)
  expect(parts[0].instance).toBe(parts[0].instance)
})

test('instruments are started once, with the name in events, and closed', async () => {
  const started: string[] = []
  let closed = 0
  const parts = new SharedParts((_, instance) => {
    started.push(instance)
    return [{ close: () => Promise.resolve(void closed++) }]
  })
  await parts.closeInstruments()
  parts.startInstruments(config())
  parts.startInstruments(config())
  expect(started).toEqual([parts.instance])
  await parts.closeInstruments()
  expect(closed).toBe(1)
})

test('there is one schema registry, until it is closed', async () => {
  const parts = new SharedParts()
  const first = parts.schemaRegistry(config())
  expect(parts.schemaRegistry(config())).toBe(first)
  await parts.closeSchemaRegistry()
  await parts.closeSchemaRegistry()
  expect(parts.schemaRegistry(config())).not.toBe(first)
})

test('there is one driver module for all that ask, as long as they ask for the same', async () => {
  const parts = new SharedParts()
  const first = await parts.loadDriver('memory')
  expect(await parts.loadDriver('memory')).toBe(first)
  await parts.loadDriver(first)
  expect(await parts.loadDriver('memory')).not.toBe(first)
})
