import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createMessaging, type Messaging } from '../../src/index.ts'
import type { DriverModule, DriverOptions } from '../../src/driver.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { messagingInMemory, order, OrderPaid, OrderPlaced } from './manifests.ts'
import { eventually } from '../eventually.ts'
import { recordEvents } from '../record-events.ts'

function useFakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** A memory driver whose clients can be told that they hit a fatal error. */
function messagingThatDies(beforeClose = (): Promise<void> => Promise.resolve()): {
  messaging: Messaging
  memory: ReturnType<typeof createMemoryDriver>
  die: () => void
  given: DriverOptions[]
} {
  const memory = createMemoryDriver()
  const given: DriverOptions[] = []
  const driver: DriverModule = {
    ...memory,
    async createDriver(options) {
      given.push(options)
      const made = await memory.createDriver(options)
      return { ...made, close: () => beforeClose().then(() => made.close()) }
    },
  }
  const die = (): void =>
    given.at(-1)!.onFailure({ code: 'PRODUCER_FATAL', reason: 'sequence lost', driverCode: -150, fatal: true })
  return { messaging: createMessaging({ driver }, {}), memory, die, given }
}

describe('a fatal error', () => {
  test('the next send has a new client, and the event says what it replaced', async () => {
    const { messaging, memory, die } = messagingThatDies()
    await using _ = messaging
    const [closed, replaced] = [recordEvents('client.closed'), recordEvents('client.replaced')]
    await messaging.registry.send(OrderPlaced, order)
    die()
    await messaging.registry.send(OrderPlaced, order)
    expect(memory).toMatchObject({ createdClients: 2, openClients: 1 })
    expect(closed).toMatchObject([{ reason: 'failed', unsettled: 0 }])
    expect(replaced).toMatchObject([{ error: { code: 'PRODUCER_FATAL', driverCode: -150 } }])
  })

  test('what is pending has the verdict that the driver still gives, or else the fatal error, with a true outcome', async () => {
    useFakeTime()
    const { messaging, memory, die } = messagingThatDies()
    messaging.configure({ producer: { queueMaxMessages: 1 } })
    const { registry } = messaging
    await registry.send(OrderPlaced, order)
    const release = memory.hold()
    const handedOver = registry.send(OrderPlaced, order)
    const waiting = registry.send(OrderPlaced, order)
    die()
    const verdicts = Promise.allSettled([handedOver, waiting])
    await vi.advanceTimersByTimeAsync(1000)
    expect(await verdicts).toMatchObject([
      { reason: { code: 'PRODUCER_FATAL', outcome: 'unknown', driverCode: -150, manifest: 'OrderPlaced' } },
      { reason: { code: 'PRODUCER_FATAL', outcome: 'not_sent' } },
    ])
    release()
    const acknowledged = registry.send(OrderPlaced, order)
    await eventually(() => expect(memory.createdClients).toBe(2))
    die()
    expect(await acknowledged).toMatchObject({ topic: 'orders.placed' })
  })

  test('after several in quick succession sends wait before they connect again, and configuration may change meanwhile', async () => {
    useFakeTime()
    const { messaging, memory, die, given } = messagingThatDies()
    const { registry } = messaging
    await registry.send(OrderPlaced, order)
    die()
    await registry.send(OrderPlaced, order)
    die()
    const sent = registry.send(OrderPlaced, order)
    await vi.advanceTimersByTimeAsync(999)
    expect(memory.createdClients).toBe(2)
    expect(registry.status()).toMatchObject({ pending: 1, producers: [{ state: 'building' }] })
    messaging.configure({ clientId: 'changed' })
    // Another manifest is not held up.
    await registry.send(OrderPaid, order)
    await vi.advanceTimersByTimeAsync(1)
    await sent
    expect(given.map(({ clientId }) => clientId)).toEqual(['postrider', 'postrider', 'changed'])
  })

  test('close does not wait for the end of such a wait longer than closeTimeoutMs, and nothing is built after it', async () => {
    const { messaging, memory, die } = messagingThatDies()
    messaging.configure({ closeTimeoutMs: 10 })
    const { registry } = messaging
    await registry.send(OrderPlaced, order)
    die()
    await registry.send(OrderPlaced, order)
    die()
    const sent = registry.send(OrderPlaced, order)
    await messaging.close()
    await expect(sent).rejects.toMatchObject({ code: 'CLOSE_TIMED_OUT', outcome: 'not_sent' })
    expect(memory).toMatchObject({ createdClients: 2, openClients: 0 })
  })
})

test('a client that is still closing does not take its successor along', async () => {
  const closing = Promise.withResolvers<void>()
  const { messaging, memory, die, given } = messagingThatDies(() => closing.promise)
  await using _ = messaging
  const { registry } = messaging
  await registry.send(OrderPlaced, order)
  die()
  await registry.send(OrderPlaced, order)
  const release = memory.hold()
  const busy = registry.send(OrderPlaced, order)
  registry.disconnectIdle()
  const other = registry.send(OrderPaid, order)
  closing.resolve()
  release()
  await Promise.all([busy, other])
  expect(given).toHaveLength(2)
})

describe('idleDisconnectMs', () => {
  test('closes a client that had nothing to do for so long; the next send connects again', async () => {
    useFakeTime()
    await using messaging = messagingInMemory({ idleDisconnectMs: 1000 })
    const { registry, driver } = messaging
    const closed = recordEvents('client.closed')
    await registry.send(OrderPlaced, order)
    for (let sends = 0; sends < 5; sends++) {
      await vi.advanceTimersByTimeAsync(900)
      await registry.send(OrderPlaced, order)
    }
    expect(driver.createdClients).toBe(1)
    await vi.advanceTimersByTimeAsync(1500)
    expect(driver.openClients).toBe(0)
    expect(closed).toMatchObject([{ reason: 'idle', unsettled: 0 }])
    await registry.send(OrderPlaced, order)
    expect(driver).toMatchObject({ createdClients: 2, openClients: 1 })
    expect(driver.records()).toHaveLength(7)
  })

  test('a message under way is work, however long it takes', async () => {
    useFakeTime()
    await using messaging = messagingInMemory({ idleDisconnectMs: 1000 })
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const sent = registry.send(OrderPlaced, order)
    await vi.advanceTimersByTimeAsync(60_000)
    release()
    await sent
    expect(driver.createdClients).toBe(1)
  })

  test('without it a client stays', async () => {
    useFakeTime()
    await using messaging = messagingInMemory()
    await messaging.registry.send(OrderPlaced, order)
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a driver is asked for statistics only where somebody listens', async () => {
  const asked = async (): Promise<boolean> => {
    const { messaging, given } = messagingThatDies()
    await using _ = messaging
    messaging.configure({ metrics: { driverStatisticsMs: 100 } })
    await messaging.registry.send(OrderPlaced, order)
    return given[0]!.statistics !== undefined
  }
  expect(await asked()).toBe(false)
  recordEvents('broker.measured')
  expect(await asked()).toBe(true)
})
