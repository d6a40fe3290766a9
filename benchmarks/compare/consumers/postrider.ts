import type { Schema } from 'avsc'
import diagnostics from 'node:diagnostics_channel'
import type * as postriderSources from '../../../src/index.ts'
import type { ConsumerModule } from '../measured-consumer.ts'
import { orderHeaderBytes, orderSchema } from '../orders.ts'

// The build, not the sources: what users get.
const built = new URL('../../../dist/index.js', import.meta.url).href

type Postrider = typeof postriderSources
type Received = postriderSources.ReceivedMessage<Buffer>

export const consumerModule: ConsumerModule = {
  async consume({ brokers, topic, group, from }, { driver = 'confluent', handler = 'batch' }, { assigned, take }) {
    const { createMessaging, ConsumerManifest } = (await import(built)) as Postrider
    diagnostics.subscribe('postrider:partition.assigned', assigned)
    class Measured extends ConsumerManifest<Buffer> {
      override readonly topic = topic
      override readonly group = group
      override readonly startFrom = from
      override readonly codec: 'bytes' | 'avro-single-object' = 'bytes'
    }
    const manifests = {
      batch: () =>
        class ByBatch extends Measured {
          override handleBatch(messages: readonly Received[]): void {
            for (const { value } of messages) take(value!)
          }
        },
      message: () =>
        class ByMessage extends Measured {
          override handle({ value }: Received): void {
            take(value!)
          }
        },
      avro: () =>
        class Decoded extends Measured {
          override readonly codec = 'avro-single-object'
          override readonly schema = orderSchema
          override handleBatch(messages: readonly Received[]): void {
            for (const { value } of messages) take(value!)
          }
        },
      async avsc() {
        const order = (await import('avsc')).default.Type.forSchema(orderSchema as Schema)
        return class DecodedByHand extends Measured {
          override handleBatch(messages: readonly Received[]): void {
            for (const { value } of messages) {
              order.decode(value!, orderHeaderBytes)
              take(value!)
            }
          }
        }
      },
    }
    const Manifest = await manifests[handler as keyof typeof manifests]()
    const options = { brokers: brokers.split(','), driver } as Parameters<typeof createMessaging>[0]
    await createMessaging(options, {}).consumers.run([Manifest])
  },
}
