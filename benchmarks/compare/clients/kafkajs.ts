import { importPeer } from '../import-peer.ts'
import { keyOf, type ClientModule } from '../measured-client.ts'

interface KafkaJs {
  readonly Kafka: new (config: object) => { producer(config: object): Producer }
  readonly logLevel: { readonly NOTHING: number }
}

interface Producer {
  connect(): Promise<void>
  send(record: object): Promise<unknown>
}

const load = () => importPeer<{ default: KafkaJs }>('kafkajs')

export const clientModule: ClientModule = {
  create({ brokers, topic, isKeyed }, settings) {
    let producer: Producer
    const message = (value: Buffer): object => ({ value, key: isKeyed ? keyOf(value) : null })
    return {
      async connect() {
        const { Kafka, logLevel } = (await load()).default
        const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
        producer = kafka.producer(settings)
        await producer.connect()
      },
      send: (value) => producer.send({ topic, acks: -1, messages: [message(value)] }),
      sendMany: (values) => producer.send({ topic, acks: -1, messages: values.map(message) }),
    }
  },
  importOnly: load,
}
