import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  isProducerManifestClass,
  manifestNameOf,
  ProducerManifest,
  type PayloadOf,
  type ProducerManifestClass,
} from '../../src/factory/producer-manifest.ts'
import type { ProducerRegistry } from '../../src/registry/producer-registry.ts'

interface Order {
  readonly id: string
}

class OrderPlaced extends ProducerManifest<Order> {
  readonly topic = 'orders.placed'
  override readonly acks = 1
  override key(order: Order): string {
    return order.id
  }
}

class Renamed extends ProducerManifest {
  static override readonly manifestName = 'orders'
  readonly topic = 'x'
}

test('by itself a manifest adds nothing to a message and changes nothing of it', () => {
  class Plain extends ProducerManifest<Order> {
    readonly topic = 'x'
  }
  const plain = new Plain()
  const order = { id: '1' }
  expect(plain.prepare(order)).toBe(order)
  expect([plain.key(order), plain.headers(order), plain.partition(order, null), plain.timestamp(order)]).toEqual(
    Array(4).fill(undefined),
  )
  expect(Object.keys(plain), 'and carries no attribute that would beat the configuration').toEqual(['topic'])
})

test('a manifest is named by its class, or by the name it is given', () => {
  expect(manifestNameOf(OrderPlaced)).toBe('OrderPlaced')
  expect(manifestNameOf(Renamed)).toBe('orders')
})

describe('isProducerManifestClass', () => {
  test('is true for a subclass, also of another copy of the package', async () => {
    const copyName = '../../src/factory/producer-manifest.ts?copy=2'
    const copy = (await import(copyName)) as { ProducerManifest: typeof ProducerManifest }
    expect(copy.ProducerManifest).not.toBe(ProducerManifest)
    class Foreign extends copy.ProducerManifest {
      readonly topic = 'x'
    }
    class Further extends OrderPlaced {
      override readonly compression = 'zstd'
    }
    expect([OrderPlaced, Further, Foreign].every(isProducerManifestClass)).toBe(true)
  })

  test.each([[Map], [() => 1], [new OrderPlaced()], ['OrderPlaced'], [null], [undefined], [{}]])(
    'is false for %o',
    (value) => expect(isProducerManifestClass(value)).toBe(false),
  )
})

describe('the types', () => {
  test('the payload is inferred from the class', () => {
    expectTypeOf<PayloadOf<typeof OrderPlaced>>().toEqualTypeOf<Order>()
    expectTypeOf<PayloadOf<typeof Renamed>>().toEqualTypeOf<unknown>()
    expectTypeOf(OrderPlaced).toExtend<ProducerManifestClass>()
  })

  test('attributes keep their literal types, and take values of the config table only', () => {
    expectTypeOf<OrderPlaced['acks']>().toEqualTypeOf<1>()
    expectTypeOf<OrderPlaced['topic']>().toEqualTypeOf<'orders.placed'>()
    class Wrong extends ProducerManifest<Order> {
      readonly topic = 'x'
      // @ts-expect-error -- there is no such value
      override readonly acks = 2
      // @ts-expect-error -- a key is no object
      override key(order: Order): Order {
        return order
      }
    }
    // @ts-expect-error -- a manifest has a topic
    class Homeless extends ProducerManifest<Order> {}
    expect([new Wrong().acks, new Homeless().topic]).toEqual([2, undefined])
  })

  test('what does not fit the manifest does not compile', () => {
    // Never called: only the compiler looks at it.
    const sends = (registry: ProducerRegistry): unknown[] => [
      registry.send(OrderPlaced, { id: '1' }),
      registry.sendMany(OrderPlaced, [{ id: '1' }]),
      // @ts-expect-error -- a number is no id
      registry.send(OrderPlaced, { id: 1 }),
      // @ts-expect-error -- id is missing
      registry.send(OrderPlaced, {}),
      // @ts-expect-error -- one payload is no list
      registry.sendMany(OrderPlaced, { id: '1' }),
      // @ts-expect-error -- the second is no order
      registry.sendMany(OrderPlaced, [{ id: '1' }, 'x']),
      // @ts-expect-error -- the class, not an instance
      registry.send(new OrderPlaced(), { id: '1' }),
      // @ts-expect-error -- no such option
      registry.send(OrderPlaced, { id: '1' }, { timeout: 5 }),
      // @ts-expect-error -- one key for many
      registry.sendMany(OrderPlaced, [{ id: '1' }], { key: 'x' }),
    ]
    expect(sends).toBeTypeOf('function')
  })
})
