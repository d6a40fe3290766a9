import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import { createClientConfig } from '../../../src/driver/confluent/client-config.ts'
import { loadNativeModule } from '../../../src/driver/confluent/native-module.ts'
import type { ClientProfile, DriverOptions } from '../../../src/driver/driver.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'

const configOf = (options: Partial<DriverOptions> = {}, profile: Partial<ClientProfile> = {}) =>
  createClientConfig(createDriverOptions({ ...options, profile: { ...defaultProfile, ...profile } }))

test('the defaults, in the names of librdkafka', () => {
  expect(configOf({ brokers: ['a:1', 'b:2'], clientId: 'billing' })).toEqual({
    'bootstrap.servers': 'a:1,b:2',
    'client.id': 'billing',
    'security.protocol': 'plaintext',
    'socket.keepalive.enable': true,
    'log.connection.close': false,
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 1000,
    acks: -1,
    'enable.idempotence': true,
    'compression.codec': 'none',
    partitioner: 'murmur2_random',
    'linger.ms': 0,
    'max.in.flight.requests.per.connection': 5,
    'message.timeout.ms': 120_000,
    'request.timeout.ms': 30_000,
    'message.max.bytes': 1_001_024,
    'queue.buffering.max.messages': 100_001,
    'queue.buffering.max.kbytes': 526_336,
  })
})

test.each<[ours: Partial<ClientProfile>, theirs: Record<string, unknown>]>([
  [
    { acks: 1, idempotence: false },
    { acks: 1, 'enable.idempotence': false },
  ],
  [{ acks: 0 }, { acks: 0 }],
  [{ compression: 'zstd' }, { 'compression.codec': 'zstd' }],
  [{ partitioner: 'crc32' }, { partitioner: 'consistent_random' }],
  [{ partitioner: 'random' }, { partitioner: 'random' }],
  [{ lingerMs: 7 }, { 'linger.ms': 7 }],
  [{ maxInFlight: 1 }, { 'max.in.flight.requests.per.connection': 1 }],
  [{ deliveryTimeoutMs: 5 }, { 'message.timeout.ms': 5 }],
  [{ requestTimeoutMs: 6 }, { 'request.timeout.ms': 6 }],
])('%j becomes %j', (ours, theirs) => {
  expect(configOf({}, ours)).toMatchObject(theirs)
})

test('its own queue is wider than ours, so that ours is the one that says no', () => {
  const config = configOf({}, { queueMaxMessages: 10, queueMaxBytes: 1024 * 1024 })
  expect(config['queue.buffering.max.messages']).toBeGreaterThan(10)
  expect(config['queue.buffering.max.kbytes']).toBeGreaterThan(1024)
})

test('without brokers there is no empty server list, which librdkafka would take as set', () => {
  expect(configOf({ brokers: [] })).not.toHaveProperty(['bootstrap.servers'])
})

describe('security', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
  const tls = {
    enabled: true,
    ca: pem,
    certificate: '/etc/client.pem',
    key: new Secret(pem.replaceAll('CERTIFICATE', 'PRIVATE KEY')),
    keyPassword: new Secret('key-password'),
    verifyHostname: true,
  }
  const sasl = { mechanism: 'scram-sha-256', username: 'ada', password: new Secret('lovelace') } as const
  const noSasl = { mechanism: undefined, username: undefined, password: undefined }

  test.each([
    ['plaintext', false, noSasl],
    ['ssl', true, noSasl],
    ['sasl_plaintext', false, sasl],
    ['sasl_ssl', true, sasl],
  ])('the protocol is %s', (protocol, enabled, credentials) => {
    expect(configOf({ tls: { ...tls, enabled }, sasl: credentials })['security.protocol']).toBe(protocol)
  })

  test('PEM text and paths of files go to different properties', () => {
    const config = configOf({ tls })
    expect(config).toMatchObject({
      'ssl.ca.pem': pem,
      'ssl.certificate.location': '/etc/client.pem',
      'ssl.key.pem': tls.key.reveal(),
      'ssl.key.password': 'key-password',
      'ssl.endpoint.identification.algorithm': 'https',
    })
    expect(config).not.toHaveProperty(['ssl.ca.location'])
    expect(config).not.toHaveProperty(['ssl.certificate.pem'])
  })

  test('the host name goes unchecked only where asked for', () => {
    const config = configOf({ tls: { ...tls, verifyHostname: false } })
    expect(config['ssl.endpoint.identification.algorithm']).toBe('none')
  })

  test('settings of TLS and SASL stay out where these are off, and undefined never gets in', () => {
    const config = configOf({ tls: { ...tls, enabled: false } })
    expect(Object.keys(config).filter((name) => /^(ssl|sasl)\./.test(name))).toEqual([])
    expect(Object.values(configOf({ tls: { ...tls, ca: undefined, keyPassword: undefined } }))).not.toContain(undefined)
  })

  test('SASL mechanisms are spelt in capitals, and the password is revealed here', () => {
    expect(configOf({ sasl })).toMatchObject({
      'sasl.mechanism': 'SCRAM-SHA-256',
      'sasl.username': 'ada',
      'sasl.password': 'lovelace',
    })
  })
})

test('pass-through options have the last word, secrets among them revealed', () => {
  const passThrough = { 'linger.ms': 99, 'client.rack': 'a', 'sasl.oauthbearer.config': new Secret('x=y') }
  expect(configOf({ passThrough })).toMatchObject({
    'linger.ms': 99,
    'client.rack': 'a',
    'sasl.oauthbearer.config': 'x=y',
  })
})

test('librdkafka itself takes every property and the ends of every range', async () => {
  const native = await loadNativeModule()
  const profiles: Partial<ClientProfile>[] = [
    {},
    { acks: 0, idempotence: false, compression: 'gzip', partitioner: 'random', maxInFlight: 1_000_000 },
    { acks: 1, idempotence: false, compression: 'lz4', partitioner: 'crc32', requestTimeoutMs: 900_000 },
    { compression: 'zstd', lingerMs: 900_000, deliveryTimeoutMs: 2_147_483_647, requestTimeoutMs: 1 },
    { compression: 'snappy', maxMessageBytes: 999_000_000, queueMaxMessages: 10_000_000 },
    { queueMaxBytes: Number.MAX_SAFE_INTEGER, queueMaxMessages: 1, maxMessageBytes: 1 },
  ]
  for (const profile of profiles) expect(() => new native.Producer(configOf({}, profile))).not.toThrow()
})
