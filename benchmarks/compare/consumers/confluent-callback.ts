import type { LibrdKafkaError } from '@confluentinc/kafka-javascript'
import type { ConsumerModule } from '../measured-consumer.ts'

/** Calls that the published types lack. */
interface Timeouts {
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void
}

const assignPartitions = -175
const retryAfterMs = 10

/** The callback API of Confluent's client: `consume(1000)` again and again. */
export const consumerModule: ConsumerModule = {
  async consume({ brokers, topic, group, from }, { returnsEarly = false, ...settings }, { assigned, take }) {
    const { KafkaConsumer } = (await import('@confluentinc/kafka-javascript')).default
    const consumer = new KafkaConsumer(
      {
        'bootstrap.servers': brokers,
        'group.id': group,
        rebalance_cb: true,
        ...settings,
      },
      { 'auto.offset.reset': from },
    )
    if (returnsEarly === true) {
      ;(consumer as unknown as Timeouts).setDefaultIsTimeoutOnlyForFirstMessage(true)
      consumer.setDefaultConsumeTimeout(100)
    }
    consumer.on('rebalance', ({ code }: { code: number }) => {
      if (code === assignPartitions) assigned()
    })
    await new Promise<void>((resolve, reject) => {
      consumer.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve()))
    })
    consumer.subscribe([topic])
    const next = (): void =>
      consumer.consume(1000, (error: LibrdKafkaError | null, messages) => {
        // A topic or a group that is not known yet.
        if (error) return void setTimeout(next, retryAfterMs)
        for (const { value } of messages) take(value!)
        next()
      })
    next()
  },
}
