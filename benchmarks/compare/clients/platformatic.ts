import { importPeer } from '../import-peer.ts'
import { keyOf, type ClientModule } from '../measured-client.ts'

interface Platformatic {
  readonly Producer: new (options: object) => Producer
}

interface Producer {
  send(options: { messages: readonly Message[] }): Promise<unknown>
  asStream(options: object): ProducerStream
}

interface ProducerStream {
  write(message: Message): boolean
  on(event: 'delivery-report', listener: (report: { readonly message: Message }) => void): void
  on(event: 'error', listener: (error: Error) => void): void
}

interface Message {
  readonly topic: string
  readonly value: Buffer
  readonly key?: Buffer
}

const load = () => importPeer<Platformatic>('@platformatic/kafka')

export const clientModule: ClientModule = {
  create({ brokers, topic, isKeyed, callers }, { stream: usesStream = false }) {
    let producer: Producer
    let stream: ProducerStream | undefined
    const waiting = new Map<Message, { resolve: () => void; reject: (error: Error) => void }>()
    const message = (value: Buffer): Message =>
      isKeyed ? { topic, value, key: Buffer.from(keyOf(value)) } : { topic, value }
    return {
      async connect() {
        const { Producer } = await load()
        producer = new Producer({
          clientId: 'benchmark',
          bootstrapBrokers: brokers.split(','),
          acks: -1,
          idempotent: true,
        })
        // It sends a batch when one is full and none is on the wire: half of the callers at a time keeps it going.
        // A lone caller would only wait for the timer.
        if (usesStream !== true || callers === 1) return
        stream = producer.asStream({ batchSize: Math.ceil(callers / 2), batchTime: 0, reportMode: 'message' })
        stream.on('delivery-report', ({ message }) => {
          waiting.get(message)?.resolve()
          waiting.delete(message)
        })
        stream.on('error', (error) => {
          for (const { reject } of waiting.values()) reject(error)
        })
      },
      send(value) {
        const sent = message(value)
        const batching = stream
        if (batching === undefined) return producer.send({ messages: [sent] })
        return new Promise<void>((resolve, reject) => {
          waiting.set(sent, { resolve, reject })
          batching.write(sent)
        })
      },
      sendMany: (values) => producer.send({ messages: values.map(message) }),
    }
  },
  importOnly: load,
}
