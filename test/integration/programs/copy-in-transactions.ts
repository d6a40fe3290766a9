// Copies a topic into another one in transactions, as one of several workers, and says where it is in the middle of one.
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type BatchContext,
  type ReceivedMessage,
} from '../../../src/index.ts'

const [brokers, input, output, worker, waits] = process.argv.slice(2) as [string, string, string, string, string?]

interface Item {
  readonly n: number
}

class Copied extends ProducerManifest<Item> {
  override readonly topic = output
}

class Copy extends ConsumerManifest<Item> {
  override readonly topic = input
  override readonly group = `${input}-copies`
  override readonly commit = 'transaction'
  override readonly maxMessages = 20
  override readonly retryDelayMs = 100

  override async handleBatch(messages: readonly ReceivedMessage<Item>[], { transaction, topic }: BatchContext) {
    await Promise.all(
      messages.map(async (message) => {
        if (!message.isTombstone)
          await transaction.send(Copied, message.payload, { partition: message.partition, headers: { worker, topic } })
      }),
    )
    console.log('inside')
    // Told to stay there by a signal from outside, which stops the whole process.
    if (waits !== undefined) await new Promise((resolve) => setTimeout(resolve, Number(waits)))
  }
}

const messaging = createMessaging({
  brokers: brokers.split(','),
  transactionalId: `${input}-${worker}`,
  consumer: { instanceId: worker, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500 },
})
subscribe('transaction.aborted', ({ error }) => console.log('aborted', error.code))
subscribe('partition.assigned', ({ partition }) => console.log('assigned', partition))
subscribe('partition.revoked', ({ partition, lost }) => console.log('revoked', partition, lost))
subscribe('consumer.errored', ({ error }) => console.log('errored', error.message))
await messaging.consumers.run([Copy])
console.log('ready')
