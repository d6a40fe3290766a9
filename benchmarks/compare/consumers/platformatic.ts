import { importPeer } from '../import-peer.ts'
import type { ConsumerModule } from '../measured-consumer.ts'

interface Platformatic {
  readonly Consumer: new (options: object) => Consumer
}

interface Consumer {
  on(event: 'consumer:group:join', listener: () => void): void
  consume(options: object): Promise<MessagesStream>
}

interface MessagesStream {
  on(event: 'data', listener: (message: { readonly value: Buffer }) => void): void
  on(event: 'error', listener: (error: Error) => void): void
}

/** The stream of messages of @platformatic/kafka, by its `data` events. */
export const consumerModule: ConsumerModule = {
  async consume({ brokers, topic, group, from }, settings, { assigned, take }) {
    const { Consumer } = await importPeer<Platformatic>('@platformatic/kafka')
    const consumer = new Consumer({ clientId: 'benchmark', groupId: group, bootstrapBrokers: brokers.split(',') })
    consumer.on('consumer:group:join', assigned)
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: from, ...settings })
    stream.on('error', (error) => {
      throw error
    })
    stream.on('data', ({ value }) => take(value))
  },
}
