import { MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import type { DriverFailure, DriverOptions } from '../driver.ts'
import { normalizeNativeError, numberOfErrorText } from './classify.ts'
import { createClientConfig } from './client-config.ts'
import type { DeliveryCallback, NativeConfig, NativeError, NativeModule, NativeProducer } from './native-module.ts'
import { createStatisticsReader } from './read-statistics.ts'

const pollWhileConnectingMs = 20

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

  let connected = false
  let lastTrouble: DriverFailure | undefined
  const unauthenticated = new Promise<DriverFailure>((resolve) => {
    producer.on('event.error', (error) => {
      const failure = normalizeNativeError(numberOfErrorText(error.message), error.message)
      lastTrouble = failure
      if (connected) options.onFailure(failure)
      // Waiting for the rest of the connect timeout cannot make bad credentials good.
      else if (failure.code === 'AUTHENTICATION_FAILED') resolve({ ...failure, outcome: 'not_sent' })
    })
  })

  const { statistics } = options
  if (statistics !== undefined) {
    const read = createStatisticsReader()
    producer.on('event.stats', ({ message }) => statistics.onStatistics(read(message)))
  }

  // Straight from the native callback: the wrapper's `dr_cb` would put an event emitter in between, and `dr_msg_cb` a copy
  // of every payload.
  producer.getClient().configureCallbacks(true, { event: { delivery_cb: onDelivery } })

  // Background errors come by polling only, and nothing polls yet: without this, bad credentials would look like silence.
  const polling = setInterval(() => {
    if (producer.isConnected()) producer.poll()
  }, pollWhileConnectingMs)
  const failure = await Promise.race([
    unauthenticated,
    new Promise<DriverFailure | undefined>((resolve) => {
      producer.connect({ timeout: options.connectTimeoutMs }, (error) => {
        resolve(error ? connectFailure(error, lastTrouble, options) : undefined)
      })
    }),
  ])
  clearInterval(polling)
  // Nothing to release here: a connect that fails disconnects by itself, at the latest after connectTimeoutMs,
  // and a second disconnect has been seen to crash the process.
  if (failure) throw createDriverError(failure)
  connected = true
  producer.setPollInBackground(true)
  return producer
}

function connectFailure(error: NativeError, trouble: DriverFailure | undefined, options: DriverOptions): DriverFailure {
  const patience = `no answer from ${options.brokers.join(', ') || 'the cluster'} within connectTimeoutMs (${options.connectTimeoutMs} ms)`
  const failure = normalizeNativeError(error.code, error.message)
  // The request for metadata only times out; what went wrong was said in the background.
  if (trouble && trouble.code !== 'DRIVER_FAILED')
    return { ...trouble, reason: `${trouble.reason}; ${patience}`, outcome: 'not_sent' }
  if (failure.code === 'REQUEST_TIMED_OUT')
    return { ...failure, code: 'BROKERS_UNREACHABLE', reason: patience, outcome: 'not_sent' }
  return { ...failure, outcome: 'not_sent' }
}
