import { MessagingError } from '../../errors/messaging-error.ts'
import type { DriverConsumer, DriverConsumerOptions } from '../driver-consumer.ts'
import { Cluster } from './cluster.ts'
import { createConnectionOptions, readTopicPropagationMs } from './connection-options.ts'
import { PlatformaticConsumer } from './platformatic-consumer.ts'
import type { PlatformaticModule } from './platformatic-module.ts'

/** How long a broker may think about what it can answer at once. */
const requestTimeoutMs = 30_000

/** @throws DRIVER_OPTION_INVALID, BROKERS_UNREACHABLE, AUTHENTICATION_FAILED */
export async function connectConsumer(
  library: PlatformaticModule,
  options: DriverConsumerOptions,
): Promise<DriverConsumer> {
  readTopicPropagationMs(options.passThrough)
  const profile = { idempotence: false, requestTimeoutMs }
  let consumer: PlatformaticConsumer | undefined
  const cluster = new Cluster(
    library,
    { ...options, profile, createsTopics: false, onFailure: (failure) => consumer?.fail(failure) },
    createConnectionOptions({ ...options, profile }),
  )
  await cluster.connect()
  const isKnown = options.protocol === 'classic' || (await cluster.any()).knows('ConsumerGroupHeartbeat')
  if (!isKnown) {
    await cluster.close()
    const reason = "the brokers do not know the protocol of KIP-848 (Kafka 4.0): set the consumer's protocol to classic"
    throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'platformatic', reason })
  }
  consumer = new PlatformaticConsumer(library, cluster, options)
  return consumer
}
