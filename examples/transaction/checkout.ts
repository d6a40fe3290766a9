import { createMessaging, isMessagingError, ProducerManifest } from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'

interface Order {
  readonly id: string
  readonly total: number
}

class OrderPlaced extends ProducerManifest<Order> {
  topic = 'orders.placed'
  override readonly messageId = true
}

class StockTaken extends ProducerManifest<{ readonly item: string }> {
  topic = 'stock.taken'
}

// A broker in memory, to look at what consumers see. With Kafka: brokers in place of it.
const kafka = createMemoryDriver()
const messaging = createMessaging({ driver: kafka, transactionalId: 'checkout-1' })
const { registry } = messaging

// Middleware sees every message before its manifest does.
registry.use((message) => message.headers.push(['shop', 'berlin']))
registry.use(OrderPlaced, (message) => {
  if (!message.isTombstone && message.payload.total < 0) throw new Error('a total below zero')
})

async function checkOut(order: Order, items: readonly string[]): Promise<void> {
  try {
    await registry.transaction(async (tx) => {
      await tx.sendMany(
        StockTaken,
        items.map((item) => ({ item })),
      )
      await tx.send(OrderPlaced, order)
    })
    console.log(`${order.id}: committed`)
  } catch (error) {
    console.log(`${order.id}: aborted with ${isMessagingError(error) ? error.code : String(error)}`)
  }
}

await checkOut({ id: 'order-1', total: 1999 }, ['book', 'pen'])
await checkOut({ id: 'order-2', total: -1 }, ['lamp'])

for (const { topic, value, headers } of kafka.records()) {
  console.log(topic, value?.toString(), headers.map(([name]) => name).join(', '))
}
await messaging.close()
