import { createDriverError } from '../driver-error.ts'
import type { DriverFailure } from '../driver.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import { numberOfErrorText } from './error-texts.ts'
import type { ConnectionOptions } from './client-config.ts'
import type { NativeConnection, NativeError } from './native-module.ts'
import { createStatisticsReader } from './read-statistics.ts'

const pollWhileConnectingMs = 20

/**
 * Connects a producer or consumer of librdkafka. `poll` makes it tell what happened in the background; `onFailure` hears of that
 * once it is connected. @throws BROKERS_UNREACHABLE, AUTHENTICATION_FAILED
 */
export async function connectNative(
  client: NativeConnection,
  poll: () => void,
  options: ConnectionOptions,
  onFailure: (failure: DriverFailure) => void,
): Promise<void> {
  let connected = false
  let lastTrouble: DriverFailure | undefined
  const unauthenticated = new Promise<DriverFailure>((resolve) => {
    client.on('event.error', (error) => {
      const failure = classifyErrorNumber(numberOfErrorText(error.message), error.message)
      lastTrouble = failure
      if (connected) onFailure(failure)
      // Waiting for the rest of the connect timeout cannot make bad credentials good.
      else if (failure.code === 'AUTHENTICATION_FAILED') resolve({ ...failure, outcome: 'not_sent' })
    })
  })

  const { statistics } = options
  if (statistics !== undefined) {
    const read = createStatisticsReader()
    client.on('event.stats', ({ message }) => statistics.onStatistics(read(message)))
  }

  // Background errors come by polling only, and nothing polls yet: without this, bad credentials would look like silence.
  const polling = setInterval(() => {
    if (client.isConnected()) poll()
  }, pollWhileConnectingMs)
  const failure = await Promise.race([
    unauthenticated,
    new Promise<DriverFailure | undefined>((resolve) => {
      client.connect({ timeout: options.connectTimeoutMs }, (error) => {
        resolve(error ? connectFailure(error, lastTrouble, options) : undefined)
      })
    }),
  ])
  clearInterval(polling)
  // Nothing to release here: a connect that fails disconnects by itself, at the latest after connectTimeoutMs,
  // and a second disconnect has been seen to crash the process.
  if (failure) throw createDriverError(failure)
  connected = true
}

function connectFailure(
  error: NativeError,
  trouble: DriverFailure | undefined,
  { brokers, connectTimeoutMs }: ConnectionOptions,
): DriverFailure {
  const patience = `no answer from ${brokers.join(', ') || 'the cluster'} within connectTimeoutMs (${connectTimeoutMs} ms)`
  const failure = classifyErrorNumber(error.code, error.message)
  // The request for metadata only times out; what went wrong was said in the background.
  if (trouble && trouble.code !== 'DRIVER_FAILED')
    return { ...trouble, reason: `${trouble.reason}; ${patience}`, outcome: 'not_sent' }
  if (failure.code === 'REQUEST_TIMED_OUT')
    return { ...failure, code: 'BROKERS_UNREACHABLE', reason: patience, outcome: 'not_sent' }
  return { ...failure, outcome: 'not_sent' }
}
