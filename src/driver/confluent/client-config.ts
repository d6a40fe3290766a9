import type { DriverOptions, DriverTlsOptions } from '../driver.ts'
import type { NativeConfig } from './native-module.ts'

/** librdkafka counts the framing of a record into `message.max.bytes`; ours is key, value and headers alone. */
const recordOverheadBytes = 1024

type Settings = Record<string, string | number | boolean | undefined>

/** Of producers and consumers. */
export type ConnectionOptions = Pick<
  DriverOptions,
  'brokers' | 'clientId' | 'connectTimeoutMs' | 'tls' | 'sasl' | 'passThrough' | 'statistics'
>

/**
 * Our configuration in librdkafka's names (its CONFIGURATION.md). One flat object: a second, per-topic object would
 * silently replace the topic defaults. Pass-through options have the last word.
 */
export function createClientConfig(options: DriverOptions): NativeConfig {
  const { profile, transaction } = options
  return createConfig(options, {
    acks: profile.acks === 'all' ? -1 : profile.acks,
    'enable.idempotence': profile.idempotence,
    'compression.codec': profile.compression,
    // murmur2_random is the Java client's choice for keys; librdkafka's own default (CRC32) puts keys elsewhere.
    partitioner: { murmur2: 'murmur2_random', crc32: 'consistent_random', random: 'random' }[profile.partitioner],
    'linger.ms': profile.lingerMs,
    // What arrives while these are on the wire goes with the next one: without the bound, batches stay small under load.
    'max.in.flight.requests.per.connection': profile.maxInFlight,
    'message.timeout.ms': profile.deliveryTimeoutMs,
    'request.timeout.ms': profile.requestTimeoutMs,
    'message.max.bytes': profile.maxMessageBytes + recordOverheadBytes,
    // The client above bounds the queue; these only have to be wide enough not to interfere.
    'queue.buffering.max.messages': profile.queueMaxMessages + 1,
    'queue.buffering.max.kbytes': Math.min(2_147_483_647, Math.ceil((profile.queueMaxBytes * 2) / 1024) + 2048),

    'transactional.id': transaction?.id,
    'transaction.timeout.ms': transaction?.timeoutMs,
  })
}

/** What connecting takes, and `settings`; pass-through options have the last word. */
export function createConfig(options: ConnectionOptions, settings: Settings): NativeConfig {
  const { tls, sasl, passThrough } = options
  const config: Settings = {
    'bootstrap.servers': options.brokers.join(',') || undefined,
    'client.id': options.clientId,
    'security.protocol': `${sasl.mechanism ? 'sasl_' : ''}${tls.enabled ? 'ssl' : 'plaintext'}`,
    'socket.keepalive.enable': true,
    // A broker that hangs up on an idle connection is no news worth a warning.
    'log.connection.close': false,
    // Java's default. librdkafka begins a connection to just any broker once per half of this time at most, and the one to a bootstrap
    // address ends when the broker behind it is known: with its default of 100 ms whatever comes first waits for 50 ms. With 20 it
    // would wait for 11, and who starts while no broker is there would knock twice as often, 75 times a second.
    'reconnect.backoff.ms': 50,
    // librdkafka doubles the wait before each reconnect, also after connections that worked, and forgets that only after this time:
    // with its default of 10 s a network that breaks connections every second stops almost all sending.
    'reconnect.backoff.max.ms': 1000,
    'statistics.interval.ms': options.statistics?.intervalMs,
    ...(tls.enabled ? tlsConfig(tls) : {}),
    ...(sasl.mechanism
      ? {
          'sasl.mechanism': sasl.mechanism.toUpperCase(),
          'sasl.username': sasl.username,
          'sasl.password': sasl.password?.reveal(),
        }
      : {}),
    ...settings,
  }
  for (const [name, value] of Object.entries(passThrough)) {
    config[name] = typeof value === 'object' ? value.reveal() : value
  }
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as NativeConfig
}

function tlsConfig(tls: DriverTlsOptions): Record<string, string | undefined> {
  return {
    ...pemOrFile('ssl.ca', tls.ca),
    ...pemOrFile('ssl.certificate', tls.certificate),
    ...pemOrFile('ssl.key', tls.key?.reveal()),
    'ssl.key.password': tls.keyPassword?.reveal(),
    'ssl.endpoint.identification.algorithm': tls.verifyHostname ? 'https' : 'none',
  }
}

function pemOrFile(name: string, value: string | undefined): Record<string, string> {
  if (value === undefined) return {}
  return { [value.includes('-----BEGIN') ? `${name}.pem` : `${name}.location`]: value }
}
