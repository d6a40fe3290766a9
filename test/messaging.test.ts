import { describe, expect, expectTypeOf, test } from 'vitest'
import { configure, createMessaging, messaging, registry, type DeliveryReport } from '../src/index.ts'
import { createMemoryDriver } from '../src/testing.ts'
import { order, OrderPlaced, type Order } from './registry/manifests.ts'

describe('createMessaging', () => {
  test('makes instances that share nothing', async () => {
    const drivers = [createMemoryDriver(), createMemoryDriver()] as const
    await using first = createMessaging({ driver: drivers[0], topicPrefix: 'a.' }, {})
    await using second = createMessaging({ driver: drivers[1] }, {})
    await first.registry.send(OrderPlaced, order)
    expect(drivers[0].records().map(({ topic }) => topic)).toEqual(['a.orders.placed'])
    expect(drivers[1].records()).toEqual([])
    await first.close()
    await second.registry.send(OrderPlaced, order)
  })

  test('refuses bad options at once', () => {
    expect(() => createMessaging({ brokers: 'localhost:9092' } as never)).toThrow(/brokers.*"localhost:9092".*list/)
  })

  test('explains a manifest field with its attributes before it was ever sent', () => {
    class Audited extends OrderPlaced {
      override readonly acks = 1
    }
    const instance = createMessaging({ producer: { acks: 'all' } }, { POSTRIDER_PRODUCER_ACKS: '0' })
    expect(instance.config.explain(Audited, 'acks')).toMatchObject({
      value: 1,
      layer: 'manifest',
      beaten: [
        { layer: 'application', value: 'all' },
        { layer: 'environment', value: 0 },
        { layer: 'default', value: 'all' },
      ],
    })
  })
})

test('the default instance is what configure and registry belong to', () => {
  expect(messaging.registry).toBe(registry)
  configure({ clientId: 'default-instance-test' })
  expect(messaging.config.resolve().clientId).toBe('default-instance-test')
})

test('payload types follow the manifest', () => {
  type Send = typeof registry.send<typeof OrderPlaced>
  expectTypeOf<Parameters<Send>[1]>().toEqualTypeOf<Order>()
  expectTypeOf<ReturnType<Send>>().toEqualTypeOf<Promise<DeliveryReport>>()
  // @ts-expect-error -- total is missing
  const wrong = (): unknown => registry.send(OrderPlaced, { id: 'x' })
  expect(wrong).toBeTypeOf('function')
})
