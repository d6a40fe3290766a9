import { MessagingError } from '../../errors/messaging-error.ts'
import type { DriverOptions } from '../driver.ts'
import { createClientConfig } from './client-config.ts'
import { connectNative } from './native-connection.ts'
import type { DeliveryCallback, NativeConfig, NativeModule, NativeProducer } from './native-module.ts'

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
  return producer
}
