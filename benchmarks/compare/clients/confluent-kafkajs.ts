import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { keyOf, type ClientModule } from '../measured-client.ts'

const load = () => import('@confluentinc/kafka-javascript')

/** The KafkaJS-compatible API of Confluent's client. */
export const clientModule: ClientModule = {
  create({ brokers, topic, isKeyed }, settings) {
    let producer: KafkaJS.Producer
    const message = (value: Buffer): KafkaJS.Message => ({ value, key: isKeyed ? keyOf(value) : null })
    const sendMany = (values: readonly Buffer[]): Promise<unknown> =>
      producer.send({ topic, messages: values.map(message) })
    return {
      async connect() {
        const { Kafka, logLevel } = (await load()).default.KafkaJS
        const kafka = new Kafka({ kafkaJS: { brokers: brokers.split(','), logLevel: logLevel.NOTHING } })
        producer = kafka.producer({ 'enable.idempotence': true, acks: -1, ...settings })
        await producer.connect()
      },
      send: (value) => producer.send({ topic, messages: [message(value)] }),
      sendMany,
    }
  },
  importOnly: load,
}
