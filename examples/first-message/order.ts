import { parseArgs } from 'node:util'
import { configure, ProducerManifest, registry } from '../../src/index.ts'
import { startMockCluster } from '../../src/testing.ts'

interface Order {
  readonly id: string
  readonly total: number
}

// Declare: in a package that your applications share, or beside the code that sends.
class OrderPlaced extends ProducerManifest<Order> {
  topic = 'orders.placed'

  override key(order: Order) {
    return order.id
  }
}

// Configure: once in an application. Without --brokers a mock cluster inside this process stands in for Kafka.
const { values } = parseArgs({ options: { brokers: { type: 'string' } } })
const mock = values.brokers === undefined ? await startMockCluster() : undefined
configure({
  brokers: mock?.brokers ?? values.brokers?.split(','),
  clientId: 'shop',
  // The mock cluster creates topics by itself, and cannot do it on request.
  producer: { createTopic: mock ? 'never' : 'if-missing' },
})

// Send: resolves when the broker has acknowledged the message.
const { topic, partition, offset } = await registry.send(OrderPlaced, { id: 'order-1', total: 1999 })
console.log(`${topic}: partition ${partition}, offset ${offset}`)

// Close: waits for what is still on its way.
await registry.close()
await mock?.close()
