import type { ConsumerModule } from '../measured-consumer.ts'

const assignPartitions = -175

/** `eachBatch` of the KafkaJS-compatible API of Confluent's client. */
export const consumerModule: ConsumerModule = {
  async consume({ brokers, topic, group, from }, settings, { assigned, take }) {
    const { Kafka, logLevel } = (await import('@confluentinc/kafka-javascript')).default.KafkaJS
    const kafka = new Kafka({ kafkaJS: { brokers: brokers.split(','), logLevel: logLevel.NOTHING } })
    const consumer = kafka.consumer({
      kafkaJS: { groupId: group, fromBeginning: from === 'earliest' },
      rebalance_cb: ({ code }: { code: number }) => {
        if (code === assignPartitions) assigned()
      },
      ...settings,
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({
      eachBatch: ({ batch: { messages } }) => {
        for (const { value } of messages) take(value!)
        return Promise.resolve()
      },
    })
  },
}
