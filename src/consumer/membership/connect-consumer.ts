import { environmentName } from '../../config/environment.ts'
import type { ConsumerConfig, MessagingConfig } from '../../config/fields.ts'
import { canConsume, type DriverConsumer, type DriverConsumerListener } from '../../driver/driver-consumer.ts'
import type { DriverModule, DriverOptions } from '../../driver/driver.ts'
import { MessagingError } from '../../errors/messaging-error.ts'

/** What all that share a client have in common. */
export interface ClientConfig extends Omit<ConsumerConfig, 'group' | 'startFrom'> {
  /** Empty where there is none. */
  readonly group: string
  /** Where the broker starts if nobody says otherwise, and where offsets are gone. */
  readonly startFrom: 'earliest' | 'latest'
}

/** A consumer of the driver. @throws DRIVER_CANNOT_CONSUME, CONFIG_MISSING, BROKERS_UNREACHABLE, AUTHENTICATION_FAILED and the DRIVER_* codes */
export function connectConsumer(
  module: DriverModule,
  messaging: MessagingConfig,
  consumer: ClientConfig,
  listener: DriverConsumerListener,
): Promise<DriverConsumer> {
  if (!canConsume(module)) throw new MessagingError('DRIVER_CANNOT_CONSUME', { driver: module.name })
  const { clientId, connectTimeoutMs, tls, sasl, brokers } = messaging
  const passThrough =
    (messaging.driverOptions as Readonly<Record<string, DriverOptions['passThrough']>>)[module.name] ?? {}
  if (brokers === undefined && module.needsBrokers(passThrough)) {
    throw new MessagingError('CONFIG_MISSING', { path: 'brokers', env: environmentName('brokers') })
  }
  const { group, instanceId, protocol, startFrom, isolation } = consumer
  const { sessionTimeoutMs, heartbeatIntervalMs, maxPollIntervalMs, prefetchMaxBytes, fetchMaxWaitMs } = consumer
  return module.createConsumer({
    brokers: brokers ?? [],
    clientId,
    connectTimeoutMs,
    tls,
    sasl,
    passThrough,
    // Clients have a group in any case. One that neither joins nor commits leaves no trace of it.
    group: group === '' ? clientId : group,
    instanceId,
    protocol,
    startFrom,
    isolation,
    sessionTimeoutMs,
    heartbeatIntervalMs,
    maxPollIntervalMs,
    prefetchMaxBytes,
    fetchMaxWaitMs,
    listener,
  })
}
