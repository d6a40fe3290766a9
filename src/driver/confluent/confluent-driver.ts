import { MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import type { Driver, DriverFailure, DriverHeader, DriverModule, DriverOptions, Settlement } from '../driver.ts'
import { normalizeNativeError, numberOfErrorText } from './classify.ts'
import { createClientConfig } from './client-config.ts'
import {
  loadNativeModule,
  type DeliveryCallback,
  type NativeError,
  type NativeModule,
  type NativeProducer,
} from './native-module.ts'
import { createStatisticsReader } from './read-statistics.ts'

/** librdkafka through the callback API of @confluentinc/kafka-javascript. */
export const confluentDriver: DriverModule = {
  name: 'confluent',
  needsBrokers: (passThrough) => !('bootstrap.servers' in passThrough) && !('test.mock.num.brokers' in passThrough),
  async createDriver(options) {
    const native = await loadNativeModule()
    return connect(native, options)
  },
}

const queueFull = -184
const topicAlreadyExists = 36
const pollWhileConnectingMs = 20
/** Below this a lingering message is gone before a flush would have hurried it. */
const shortLingerMs = 20

async function connect(native: NativeModule, options: DriverOptions): Promise<Driver> {
  let producer: NativeProducer
  try {
    producer = new native.Producer(createClientConfig(options))
  } catch (error) {
    const reason = (error as Error).message
    throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'confluent', reason })
  }

  const describe = nameErrors(native)
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

  // Settling straight from the native callback: the wrapper's `dr_cb` would put an event emitter in between,
  // and `dr_msg_cb` a copy of every payload.
  const onDelivery: DeliveryCallback = (errorNumber, report) => {
    const settlement = report.opaque as Settlement | undefined
    if (settlement === undefined) return
    if (errorNumber === null)
      settlement.settle(null, report.partition, Math.max(-1, report.offset), report.timestamp ?? -1)
    else settlement.settle(normalizeNativeError(errorNumber, describe(errorNumber)), report.partition, -1, -1)
  }
  const client = producer.getClient()
  client.configureCallbacks(true, { event: { delivery_cb: onDelivery } })

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

  return {
    capabilities: { copiesValue: true, idempotence: true, workerThreads: false, durable: true },
    produce({ topic, partition, value, key, timestamp, headers }, settlement) {
      const errorNumber = client.produce(
        topic,
        partition,
        value,
        key,
        // 0 would be taken as "now" all the same; null says so.
        timestamp === 0 ? null : timestamp,
        settlement,
        headers === undefined ? undefined : headers.map(toNativeHeader),
      )
      if (errorNumber === 0) return true
      if (errorNumber === queueFull) return false
      const failure = normalizeNativeError(errorNumber, describe(errorNumber))
      settlement.settle({ ...failure, outcome: 'not_sent' }, partition, -1, -1)
      return true
    },
    async flush(timeoutMs) {
      const { lingerMs } = options.profile
      if (lingerMs < shortLingerMs) return
      await new Promise<void>((resolve) => producer.flush(timeoutMs === 0 ? lingerMs : timeoutMs, () => resolve()))
    },
    // The wrapper flushes before it disconnects. The client above has waited already, so that is given no time.
    close: () => new Promise<void>((resolve) => producer.disconnect(1, resolve)),
    ensureTopic({ topic, partitions, replicationFactor, config }) {
      const admin = native.AdminClient.createFrom(producer)
      const specification = {
        topic,
        num_partitions: partitions,
        replication_factor: replicationFactor,
        config: { ...config },
      }
      return new Promise<void>((resolve, reject) => {
        admin.createTopic(specification, options.connectTimeoutMs, (error) => {
          admin.disconnect()
          if (!error || error.code === topicAlreadyExists) resolve()
          else
            reject(
              createDriverError({ ...normalizeNativeError(error.code, error.message), outcome: 'not_sent' }, { topic }),
            )
        })
      })
    },
  }
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

function toNativeHeader([name, value]: DriverHeader): Readonly<Record<string, Buffer | string>> {
  // The binding takes an empty Buffer without storage for null; an empty string stays what it is.
  return { [name]: value.length === 0 ? '' : value }
}

/** Delivery reports carry a bare number; the name of its constant is what one searches for. */
function nameErrors(native: NativeModule): (errorNumber: number) => string {
  const names = new Map(
    Object.entries(native.CODES.ERRORS).map(([name, number]) => [number, name.replace(/^ERR_/, '')]),
  )
  return (errorNumber) => `librdkafka says ${names.get(errorNumber) ?? 'error'} (${errorNumber})`
}
