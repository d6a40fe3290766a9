import { MessagingError } from '../../errors/messaging-error.ts'
import type { DriverOptions } from '../driver.ts'
import { createClientConfig } from './client-config.ts'
import { connectNative } from './native-connection.ts'
import type { DeliveryCallback, NativeConfig, NativeModule, NativeProducer } from './native-module.ts'

const hurryWithinMs = 1000

/**
 * One librdkafka producer, connected; `settings` win over what the options say.
 * @throws DRIVER_OPTION_INVALID, BROKERS_UNREACHABLE, AUTHENTICATION_FAILED
 */
export async function connectProducer(
  native: NativeModule,
  options: DriverOptions,
  onDelivery: DeliveryCallback,
  settings: NativeConfig = {},
): Promise<NativeProducer> {
  let producer: NativeProducer
  try {
    producer = new native.Producer({ ...createClientConfig(options), ...settings })
  } catch (error) {
    const reason = (error as Error).message
    throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'confluent', reason })
  }
  // Straight from the native callback: the wrapper's `dr_cb` would put an event emitter in between, and `dr_msg_cb` a copy
  // of every payload.
  producer.getClient().configureCallbacks(true, { event: { delivery_cb: onDelivery } })
  await connectNative(producer, () => producer.poll(), options, options.onFailure)
  producer.setPollInBackground(true)
  if (options.profile.idempotence) hurryProducerId(producer)
  return producer
}

/**
 * librdkafka looks for a broker to ask for the id of an idempotent producer whenever it hears of the cluster, else every half a second.
 * A connection that is made fast heard of it before it was up; nothing would be sent for half a second. Hence this second question,
 * whose answer nobody waits for.
 */
function hurryProducerId(producer: NativeProducer): void {
  producer.getMetadata({ timeout: hurryWithinMs }, () => undefined)
}
