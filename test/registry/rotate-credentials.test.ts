import { expect, test } from 'vitest'
import { createMessaging } from '../../src/index.ts'
import type { DriverCredentials, DriverModule, DriverOptions } from '../../src/driver.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { catchError } from '../catch-error.ts'
import { recordEvents } from '../record-events.ts'
import { order, OrderPlaced } from './manifests.ts'

const sasl = { mechanism: 'plain', username: 'shop', password: 'first' } as const

function start(setCredentials?: (credentials: DriverCredentials) => void) {
  const memory = Object.assign(createMemoryDriver(), { beforeTopic: (): Promise<void> => Promise.resolve() })
  const given: DriverOptions[] = []
  const driver: DriverModule = {
    ...memory,
    async createDriver(options) {
      given.push(options)
      const made = await memory.createDriver(options)
      const ensureTopic: typeof made.ensureTopic = async (topic) => {
        await memory.beforeTopic()
        await made.ensureTopic!(topic)
      }
      return { ...made, ensureTopic, ...(setCredentials ? { setCredentials } : {}) }
    },
  }
  return { messaging: createMessaging({ driver, sasl }, {}), memory, given }
}

test('clients that can are given the new credentials, also one that is still connecting; nothing is closed', async () => {
  const seen: (string | undefined)[][] = []
  const { messaging, memory, given } = start(({ username, password }) => seen.push([username, password?.reveal()]))
  await using _ = messaging
  const first = messaging.registry.send(OrderPlaced, order)
  messaging.rotateCredentials({ password: 'second' })
  await first
  const release = memory.hold()
  const queued = messaging.registry.send(OrderPlaced, order)
  messaging.rotateCredentials({ username: 'store', password: 'third' })
  release()
  await queued
  await messaging.registry.with(OrderPlaced, { acks: 1 }).send(order)
  expect(seen.at(-1)).toEqual(['store', 'third'])
  expect(memory.createdClients).toBe(2)
  expect(given[1]!.sasl.username).toBe('store')
  expect(given[1]!.sasl.password!.reveal()).toBe('third')
})

test('clients that cannot finish what they have, and new ones take over', async () => {
  const closed = recordEvents('client.closed')
  const { messaging, memory, given } = start()
  await using _ = messaging
  await messaging.registry.send(OrderPlaced, order)
  const release = memory.hold()
  const queued = messaging.registry.send(OrderPlaced, order)
  messaging.rotateCredentials({ password: 'second' })
  await new Promise(setImmediate)
  release()
  await queued
  await messaging.registry.send(OrderPlaced, order)
  expect(memory).toMatchObject({ createdClients: 2, openClients: 1 })
  expect(closed).toMatchObject([{ reason: 'replaced', unsettled: 0 }])
  expect(given.map((options) => options.sasl.password!.reveal())).toEqual(['first', 'second'])
})

test('what is no credential is refused, and nothing changes', async () => {
  const { messaging } = start()
  await using _ = messaging
  expect(catchError(() => messaging.rotateCredentials({ password: 5 as never })).code).toBe('CONFIG_INVALID')
  expect(catchError(() => messaging.rotateCredentials({ pasword: 'x' } as never)).code).toBe('CONFIG_UNKNOWN_FIELD')
  const without = createMessaging({ driver: createMemoryDriver() }, {})
  const error = catchError(() => without.rotateCredentials({ username: 'a', password: 'canary' }))
  expect(error).toMatchObject({ code: 'CONFIG_MISSING', message: expect.stringContaining('sasl.mechanism') })
  expect(messaging.config.resolve().sasl.password!.reveal()).toBe('first')
})

test('a producer whose client is replaced while it is being built uses the new one', async () => {
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const { messaging, memory, given } = start()
  await using _ = messaging
  messaging.configure({ producer: { createTopic: 'if-missing' } })
  memory.beforeTopic = async () => {
    asked.resolve()
    await goOn.promise
  }
  const sent = messaging.registry.send(OrderPlaced, order)
  await asked.promise
  messaging.rotateCredentials({ password: 'second' })
  await new Promise(setImmediate)
  goOn.resolve()
  expect(await sent).toMatchObject({ topic: 'orders.placed' })
  await messaging.registry.send(OrderPlaced, order)
  expect(given).toHaveLength(2)
})
