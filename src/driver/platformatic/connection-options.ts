import { readFileSync } from 'node:fs'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ClientProfile, DriverOptions, DriverSaslOptions, DriverTlsOptions } from '../driver.ts'
import type { ConnectionOptions } from './platformatic-module.ts'

const defaultTopicPropagationMs = 30_000

export interface ConnectionSettings extends Pick<DriverOptions, 'tls' | 'sasl' | 'connectTimeoutMs'> {
  readonly profile: Pick<ClientProfile, 'requestTimeoutMs'>
}

/**
 * Our configuration as options of a connection.
 * @throws DRIVER_OPTION_INVALID for a PEM file that cannot be read
 */
export function createConnectionOptions({
  profile,
  tls,
  sasl,
  connectTimeoutMs,
}: ConnectionSettings): ConnectionOptions {
  return {
    connectTimeout: connectTimeoutMs,
    requestTimeout: profile.requestTimeoutMs,
    // The driver bounds what is on the wire; a second bound would only delay the requests between.
    maxInflights: 1_000_000,
    // Without it, messages that nobody acknowledges (acks 0) would gather in the socket.
    handleBackPressure: true,
    ...(tls.enabled ? { tls: tlsOptions(tls) } : {}),
    ...saslOptions(sasl),
  }
}

/** @throws DRIVER_OPTION_INVALID for an option that the driver does not have */
export function readTopicPropagationMs(passThrough: DriverOptions['passThrough']): number {
  const { topicPropagationMs = defaultTopicPropagationMs, ...unknown } = passThrough
  const [name] = Object.keys(unknown)
  const reason =
    name === undefined
      ? 'topicPropagationMs must be a number of milliseconds'
      : `${name} is not one of its options (topicPropagationMs)`
  if (name === undefined && typeof topicPropagationMs === 'number' && topicPropagationMs >= 0) return topicPropagationMs
  throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'platformatic', reason })
}

/** What a connection logs in with. */
export function saslOptions({ mechanism, username, password }: DriverSaslOptions): Pick<ConnectionOptions, 'sasl'> {
  if (mechanism === undefined) return {}
  return {
    sasl: { mechanism: mechanism.toUpperCase(), username: username ?? '', password: password?.reveal() ?? '' },
  }
}

function tlsOptions(tls: DriverTlsOptions): Record<string, unknown> {
  const options: Record<string, unknown> = {
    ca: pem('tls.ca', tls.ca),
    cert: pem('tls.certificate', tls.certificate),
    key: pem('tls.key', tls.key?.reveal()),
    passphrase: tls.keyPassword?.reveal(),
    rejectUnauthorized: true,
  }
  if (!tls.verifyHostname) options.checkServerIdentity = () => undefined
  // tls.connect takes an undefined option for a set one.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function pem(name: string, value: string | undefined): string | Buffer | undefined {
  if (value === undefined || value.includes('-----BEGIN')) return value
  try {
    return readFileSync(value)
  } catch (error) {
    const reason = `${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`
    throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'platformatic', reason })
  }
}
