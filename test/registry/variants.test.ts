import { expect, expectTypeOf, test } from 'vitest'
import { createMessaging, type ProducerOptions } from '../../src/index.ts'
import type { ClientProfile, DriverModule } from '../../src/driver.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { catchError } from '../catch-error.ts'
import { AuditWritten, messagingInMemory, order, OrderPaid, OrderPlaced, type Order } from './manifests.ts'

test('a variant sends with other settings, as the same manifest, and equal settings share a client', async () => {
  const profiles: ClientProfile[] = []
  const memory = createMemoryDriver()
  const driver: DriverModule = {
    ...memory,
    createDriver(options) {
      profiles.push(options.profile)
      return memory.createDriver(options)
    },
  }
  await using messaging = createMessaging({ driver, producers: { OrderPlaced: { lingerMs: 3 } } }, {})
  const { registry } = messaging
  const fast = registry.with(OrderPlaced, { acks: 1, deliveryTimeoutMs: 500 })
  expectTypeOf<Parameters<(typeof fast)['send']>[0]>().toEqualTypeOf<Order>()
  await fast.send(order, { headers: { a: '1' } })
  await registry.with(OrderPlaced, { deliveryTimeoutMs: 500, acks: 1 }).sendMany([order])
  await registry.with(OrderPaid, { acks: 1, deliveryTimeoutMs: 500, lingerMs: 3 }).send(order)
  await fast.tombstone('order-1')
  fast.dispatch(order)
  await registry.flush()
  expect(memory.records('orders.placed')).toHaveLength(4)
  expect(
    memory
      .records('orders.placed')
      .find(({ headers }) => headers.length > 0)!
      .key!.toString(),
  ).toBe('order-1')
  expect(profiles).toMatchObject([{ acks: 1, idempotence: false, deliveryTimeoutMs: 500, lingerMs: 3 }])

  await registry.send(OrderPlaced, order)
  expect(profiles[1]).toMatchObject({ acks: 'all', idempotence: true, lingerMs: 3 })
  expect(registry.status().producers).toMatchObject([
    { manifest: 'OrderPlaced', variant: undefined, started: 1 },
    { manifest: 'OrderPaid', variant: undefined, state: 'declared' },
    { manifest: 'OrderPlaced', variant: 'acks=1, deliveryTimeoutMs=500', started: 4, acknowledged: 4 },
    { manifest: 'OrderPaid', variant: 'acks=1, deliveryTimeoutMs=500, lingerMs=3', started: 1 },
  ])
})

test.each([
  [{ acks: 2 }, 'CONFIG_INVALID', 'with(OrderPlaced).acks'],
  [{ ack: 1 }, 'CONFIG_UNKNOWN_FIELD', 'acks'],
  [{ topic: 'other' }, 'CONFIG_UNKNOWN_FIELD', 'topic'],
  [null, 'CONFIG_INVALID', 'with(OrderPlaced)'],
])('%o is refused at once', (settings, code, mentioned) => {
  const { registry } = messagingInMemory()
  const error = catchError(() => registry.with(OrderPlaced, settings as ProducerOptions))
  expect(error.code).toBe(code)
  expect(error.message).toContain(mentioned)
})

test('settings that contradict each other fail the send', async () => {
  await using messaging = messagingInMemory()
  const sent = messaging.registry.with(OrderPlaced, { acks: 1, idempotence: true }).send(order)
  await expect(sent).rejects.toMatchObject({ code: 'CONFIG_INVALID', manifest: 'OrderPlaced' })
})

test('settings that never end to differ are refused, before each has its client', async () => {
  await using messaging = messagingInMemory()
  const { registry, driver } = messaging
  for (let ms = 1; ms <= 20; ms++) await registry.with(OrderPlaced, { lingerMs: ms }).send(order)
  const sent = registry.with(OrderPlaced, { lingerMs: 21 }).send(order)
  await expect(sent).rejects.toMatchObject({ code: 'SEND_OPTION_INVALID', manifest: 'OrderPlaced' })
  expect(driver.createdClients).toBe(20)
})

test('the manifest stays in use while one of its variants is', async () => {
  await using messaging = messagingInMemory()
  const { registry, driver } = messaging
  await registry.with(AuditWritten, { acks: 1 }).send(order)
  driver.failConnect({ code: 'BROKERS_UNREACHABLE', reason: 'down' })
  await expect(registry.send(AuditWritten, order)).rejects.toMatchObject({ code: 'BROKERS_UNREACHABLE' })
  expect(() => messaging.configure({ producers: { AuditWritten: { lingerMs: 9 } } })).toThrow(
    expect.objectContaining({ code: 'CONFIG_IN_USE' }),
  )
})

test('after close a variant is closed too', async () => {
  const messaging = messagingInMemory()
  const audit = messaging.registry.with(AuditWritten, { acks: 1 })
  await messaging.close()
  await expect(audit.send(order)).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
})
