import { importPeer } from '../import-peer.ts'
import type { ConsumerModule } from '../measured-consumer.ts'

interface KafkaJs {
  readonly Kafka: new (config: object) => { consumer(config: object): Consumer }
  readonly logLevel: { readonly NOTHING: number }
}

interface Consumer {
  on(event: 'consumer.group_join', listener: () => void): void
  connect(): Promise<void>
  subscribe(subscription: object): Promise<void>
  run(config: {
    eachBatch: (payload: { batch: { messages: readonly { value: Buffer }[] } }) => Promise<void>
  }): Promise<void>
}

/** `eachBatch` of kafkajs. */
export const consumerModule: ConsumerModule = {
  async consume({ brokers, topic, group, from }, settings, { assigned, take }) {
    const { Kafka, logLevel } = (await importPeer<{ default: KafkaJs }>('kafkajs')).default
    const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: group, ...settings })
    consumer.on('consumer.group_join', assigned)
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: from === 'earliest' })
    await consumer.run({
      eachBatch: ({ batch: { messages } }) => {
        for (const { value } of messages) take(value)
        return Promise.resolve()
      },
    })
  },
}
