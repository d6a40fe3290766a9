import { expect, test } from 'vitest'
import type { ConsumingDriverModule, DriverConsumerOptions } from '../../src/driver/driver-consumer.ts'
import type { DriverCredentials } from '../../src/driver/driver.ts'
import { createMessaging } from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { recordEvents } from '../record-events.ts'
import { Collected, handling, numberOf, Sent } from './consume.ts'

const textOf = ({ username, password }: DriverCredentials): string => `${username} ${password?.reveal()}`

/** A broker in memory that notes who logs in as whom; `connecting` holds a consumer back while it connects. */
function start({ canChange, connecting }: { canChange: boolean; connecting?: () => Promise<void> }) {
  const memory = createMemoryDriver({ partitions: 1 })
  const changed: string[] = []
  const connected: string[] = []
  const driver: ConsumingDriverModule = {
    ...memory,
    async createConsumer(options: DriverConsumerOptions) {
      connected.push(textOf(options.sasl))
      await connecting?.()
      const consumer = await memory.createConsumer(options)
      return canChange
        ? Object.assign(consumer, {
            setCredentials: (credentials: DriverCredentials) => void changed.push(textOf(credentials)),
          })
        : consumer
    },
  }
  const sasl = { mechanism: 'plain', username: 'shop', password: 'first' } as const
  const messaging = createMessaging({ driver, sasl, consumer: { group: 'g', commitIntervalMs: 5 } }, {})
  return { messaging, changed, connected }
}

test('consumers that run are told, and those that start later log in with the new ones', async () => {
  const { messaging, changed, connected } = start({ canChange: true })
  await using _ = messaging
  await messaging.consumers.run([handling(() => undefined)])
  messaging.rotateCredentials({ password: 'second' })
  expect(changed).toEqual(['shop second'])
  await messaging.consumers.run([handling(() => undefined, { group: 'other' })])
  expect(connected).toEqual(['shop first', 'shop second'])
})

test('one that is still connecting is told when it is there', async () => {
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const { messaging, changed } = start({
    canChange: true,
    connecting: () => {
      asked.resolve()
      return goOn.promise
    },
  })
  await using _ = messaging
  const running = messaging.consumers.run([handling(() => undefined)])
  await asked.promise
  messaging.rotateCredentials({ username: 'store' })
  expect(changed).toEqual([])
  goOn.resolve()
  await running
  expect(changed).toEqual(['store first'])
})

test('one that cannot change them gives way to another, which goes on behind what is committed', async () => {
  const { messaging, connected } = start({ canChange: false })
  await using _ = messaging
  const replaced = recordEvents('consumer.replaced')
  const seen = new Collected<number>()
  const running = await messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
  await messaging.registry.send(Sent, { n: 1 }, { partition: 0 })
  await seen.count(1)
  messaging.rotateCredentials({ password: 'second' })
  await messaging.registry.send(Sent, { n: 2 }, { partition: 0 })
  await seen.count(2)
  messaging.rotateCredentials({ password: 'third' })
  while (connected.length < 3) await new Promise(setImmediate)
  await messaging.registry.send(Sent, { n: 3 }, { partition: 0 })
  expect(await seen.count(3)).toEqual([1, 2, 3])
  expect(connected).toEqual(['shop first', 'shop second', 'shop third'])
  // Nothing was wrong with the old one.
  expect(replaced).toEqual([])
  await running.stop()
})
