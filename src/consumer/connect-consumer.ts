import { environmentName } from '../config/environment.ts'
import type { ConsumerConfig, MessagingConfig } from '../config/fields.ts'
import { canConsume, type DriverConsumer, type DriverConsumerListener } from '../driver/driver-consumer.ts'
import type { DriverModule, DriverOptions } from '../driver/driver.ts'
import { MessagingError } from '../errors/messaging-error.ts'

/** A consumer of the driver. @throws DRIVER_CANNOT_CONSUME, CONFIG_MISSING, BROKERS_UNREACHABLE, AUTHENTICATION_FAILED and the DRIVER_* codes */
export function connectConsumer(
  module: DriverModule,
  messaging: MessagingConfig,
  consumer: ConsumerConfig & { readonly group: string },
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
    group,
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
