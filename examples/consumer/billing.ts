import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type ReceivedMessage,
} from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'

interface Order {
  readonly id: string
  readonly total: number
}

class OrderPlaced extends ProducerManifest<Order> {
  topic = 'orders.placed'
}

class BillOrder extends ConsumerManifest<Order> {
  override readonly topic = 'orders.placed'
  override readonly group = 'billing'

  override handle({ payload, key }: ReceivedMessage<Order>) {
    if (payload === null) console.log(`${key?.toString()}: was deleted`)
    else if (payload.total < 0) throw new RangeError('a total below zero')
    else console.log(`${payload.id}: billed ${payload.total}`)
  }
}

// A broker in memory, to look at what is left there. With Kafka: brokers in place of it.
const kafka = createMemoryDriver({ partitions: 1 })
const messaging = createMessaging({ driver: kafka, consumer: { retryAttempts: 3, retryDelayMs: 10 } })

subscribe('attempt.failed', ({ offset, attempt, error }) =>
  console.log(`offset ${offset}, attempt ${attempt}: ${error.message}`),
)
subscribe('message.rejected', ({ offset, action }) => {
  console.log(`offset ${offset}: given up, ${action}`)
})
const lastIsDone = new Promise<void>((resolve) => {
  subscribe('offset.committed', ({ offset }) => offset === 3 && resolve())
})

const running = await messaging.consumers.run([BillOrder])
await messaging.registry.sendMany(OrderPlaced, [
  { id: 'order-1', total: 1999 },
  { id: 'order-2', total: -1 },
  { id: 'order-3', total: 250 },
])
await lastIsDone
await running.stop()

for (const { topic, value, headers } of kafka.records('orders.placed.dead-letter')) {
  const attempts = headers.find(([name]) => name === 'postrider-dead-letter-attempts')
  console.log(`${topic}: ${value?.toString()} after ${attempts?.[1]?.toString()} attempts`)
}
await messaging.close()
