import { Client, type ClientLimits } from '../../src/driver/client.ts'
import { createJsonCodec } from '../../src/encoding/json-codec.ts'
import { Producer, type ProducerParts } from '../../src/factory/producer.ts'
import { ProducerManifest } from '../../src/factory/producer-manifest.ts'
import { FakeDriver } from '../driver/fake-driver.ts'

export interface Order {
  readonly id: string
}

export class OrderPlaced extends ProducerManifest<Order> {
  readonly topic = 'orders'
}

/** A producer of JSON over a driver that settles when it is told to. */
export function createTestProducer(
  manifest: ProducerManifest<Order> = new OrderPlaced(),
  parts: Partial<ProducerParts<Order>> & { limits?: Partial<ClientLimits>; driver?: FakeDriver } = {},
) {
  const { driver = new FakeDriver(), limits, ...rest } = parts
  const client = new Client(driver, { queueMaxMessages: 100, queueMaxBytes: 1e6, queueTimeoutMs: 1000, ...limits })
  const producer = new Producer<Order>({
    name: 'OrderPlaced',
    manifest,
    topic: 'orders',
    codec: createJsonCodec('OrderPlaced'),
    client,
    instance: 'instance',
    driverName: 'fake',
    maxMessageBytes: 1000,
    ...rest,
  })
  return { producer, client, driver }
}
