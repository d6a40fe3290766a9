import { createMemoryDriver, type MemoryDriver } from '../../src/testing.ts'
import { createMessaging, ProducerManifest, type Messaging, type MessagingOptions } from '../../src/index.ts'

export interface Order {
  readonly id: string
  readonly total: number
}

export class OrderPlaced extends ProducerManifest<Order> {
  topic = 'orders.placed'
  override key({ id }: Order): string {
    return id
  }
}

export class OrderPaid extends ProducerManifest<Order> {
  topic = 'orders.paid'
}

/** Needs another client than the rest. */
export class AuditWritten extends ProducerManifest<Order> {
  topic = 'audit'
  override readonly lingerMs = 5
}

export const order: Order = { id: 'order-1', total: 1999 }

/** An instance on a driver that the test holds in its hands. */
export function messagingInMemory(options: MessagingOptions = {}): Messaging & { driver: MemoryDriver } {
  const driver = createMemoryDriver()
  return Object.assign(createMessaging({ driver, ...options }, {}), { driver })
}
