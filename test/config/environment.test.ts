import { describe, expect, test } from 'vitest'
import { environmentName, readEnvironment } from '../../src/config/environment.ts'
import type { Secret } from '../../src/config/secret.ts'
import { catchError } from '../catch-error.ts'

test.each([
  ['brokers', 'POSTRIDER_BROKERS'],
  ['clientId', 'POSTRIDER_CLIENT_ID'],
  ['sasl.password', 'POSTRIDER_SASL_PASSWORD'],
  ['producer.deliveryTimeoutMs', 'POSTRIDER_PRODUCER_DELIVERY_TIMEOUT_MS'],
  ['driverOptions.confluent', 'POSTRIDER_DRIVER_OPTIONS_CONFLUENT'],
])('%s is set by %s', (path, name) => {
  expect(environmentName(path)).toBe(name)
})

describe('reading', () => {
  test('each type of field has its own notation', () => {
    const values = readEnvironment({
      POSTRIDER_BROKERS: 'a:1, b:2',
      POSTRIDER_CLIENT_ID: 'billing',
      POSTRIDER_DRIVER: 'memory',
      POSTRIDER_TLS_ENABLED: '1',
      POSTRIDER_SASL_MECHANISM: 'scram-sha-512',
      POSTRIDER_PRODUCER_ACKS: '1',
      POSTRIDER_PRODUCER_LINGER_MS: '15',
      POSTRIDER_DRIVER_OPTIONS_CONFLUENT: '{"client.rack":"a","statistics.interval.ms":5}',
      POSTRIDER_SCHEMA_REGISTRY_URL: 'memory:',
    })
    expect(Object.fromEntries(values)).toEqual({
      brokers: ['a:1', 'b:2'],
      clientId: 'billing',
      driver: 'memory',
      'tls.enabled': true,
      'sasl.mechanism': 'scram-sha-512',
      'producer.acks': 1,
      'producer.lingerMs': 15,
      'driverOptions.confluent': { 'client.rack': 'a', 'statistics.interval.ms': 5 },
      'schemaRegistry.url': ['memory:'],
    })
  })

  test('a secret is wrapped as soon as it is read', () => {
    const password = readEnvironment({ POSTRIDER_SASL_PASSWORD: 'hunter2' }).get('sasl.password') as Secret
    expect(String(password)).toBe('[redacted]')
    expect(password.reveal()).toBe('hunter2')
  })

  test('an empty variable counts as not set, as does any variable of others', () => {
    expect(readEnvironment({ POSTRIDER_CLIENT_ID: '', PATH: '/bin', NODE_ENV: '' }).size).toBe(0)
  })

  test('NODE_ENV names the environment unless a variable of ours does', () => {
    expect(readEnvironment({ NODE_ENV: 'production' }).get('environment')).toBe('production')
    const both = { NODE_ENV: 'production', POSTRIDER_ENVIRONMENT: 'staging' }
    expect(readEnvironment(both).get('environment')).toBe('staging')
  })

  test('nothing is taken from the process besides what is given', () => {
    expect(readEnvironment({}).size).toBe(0)
  })
})

describe('refusing', () => {
  test('a variable of ours that is no field, with the nearest one that is', () => {
    const error = catchError(() => readEnvironment({ POSTRIDER_BROKER: 'a:1' }))
    expect(error.code).toBe('CONFIG_UNKNOWN_FIELD')
    expect(error.message).toBe('Unknown config field POSTRIDER_BROKER (environment). Did you mean POSTRIDER_BROKERS?')
  })

  test('the topic of all manifests at once, which is nothing for an environment variable', () => {
    expect(catchError(() => readEnvironment({ POSTRIDER_PRODUCER_TOPIC: 'x' })).code).toBe('CONFIG_UNKNOWN_FIELD')
  })

  test('nothing but configuration: the cache of the set-up scripts is let through', () => {
    expect(readEnvironment({ POSTRIDER_NATIVE_CACHE: '/tmp/x' }).size).toBe(0)
  })

  test.each([
    ['POSTRIDER_BROKERS', 'localhost', 'brokers'],
    ['POSTRIDER_PRODUCER_LINGER_MS', 'soon', 'producer.lingerMs'],
    ['POSTRIDER_PRODUCER_LINGER_MS', '-1', 'producer.lingerMs'],
    ['POSTRIDER_TLS_ENABLED', 'yes', 'tls.enabled'],
    ['POSTRIDER_PRODUCER_ACKS', '2', 'producer.acks'],
    ['POSTRIDER_DRIVER', 'rdkafka', 'driver'],
  ])('%s=%s, naming variable, path and value', (name, value, path) => {
    const error = catchError(() => readEnvironment({ [name]: value }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain(`Config field ${path} (environment ${name}) cannot be `)
    expect(error.message).toContain(value)
  })

  test('a bad secret or pass-through object without showing it', () => {
    const value = '{"sasl.password":"canary-9","broken'
    const error = catchError(() => readEnvironment({ POSTRIDER_DRIVER_OPTIONS_CONFLUENT: value }))
    expect(error.message).toContain('cannot be [redacted]')
    expect(error.stack).not.toContain('canary')
  })
})
