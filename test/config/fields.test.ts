import { describe, expect, expectTypeOf, test } from 'vitest'
import { environmentName } from '../../src/config/environment.ts'
import {
  fields,
  type manifestFields,
  type MessagingConfig,
  type MessagingOptions,
  type ProducerConfig,
  type ProducerOptions,
} from '../../src/config/fields.ts'
import { listFields } from '../../src/config/list-fields.ts'
import type { Secret } from '../../src/config/secret.ts'

const all = listFields(fields)

describe.each(all)('%s', (path, field) => {
  test('has the texts that the docs are made from', () => {
    expect(field.doc).toMatch(/\S\.$|\.`\.$|`\.$/)
    expect(field.type).toMatch(/\S/)
  })

  test('accepts its own default as it is', () => {
    expect(field.accept(field.default)).toEqual(field.default)
  })

  test('names its unit where it counts something', () => {
    const name = path.split('.').at(-1)!
    if (field.type.includes('(ms)')) expect(name).toMatch(/Ms$/)
    if (field.type.includes('(bytes)')) expect(name).toMatch(/Bytes$/)
    if (name.endsWith('Ms')) expect(field.type).toContain('(ms)')
    if (name.endsWith('Bytes')) expect(field.type).toContain('(bytes)')
  })
})

test('no two fields share an environment variable', () => {
  const names = all.map(([path]) => environmentName(path))
  expect(new Set(names).size).toBe(names.length)
})

test('what must stay out of sight is marked as secret', () => {
  const secret = all.filter(([, field]) => field.secret).map(([path]) => path)
  expect(secret).toEqual([
    'tls.key',
    'tls.keyPassword',
    'sasl.password',
    'schemaRegistry.url',
    'schemaRegistry.password',
    'schemaRegistry.token',
    'schemaRegistry.tls.key',
    'schemaRegistry.proxy',
    'driverOptions.confluent',
    'driverOptions.platformatic',
    'errorNotifier.notifier',
    'errorNotifier.bugsnag',
    'errorNotifier.apiKey',
    'logging.logger',
    'consumer.dedupeStore',
  ])
})

test.each([
  [['localhost:9092'], true],
  [['kafka-1.example.org:9092', '10.0.0.1:1'], true],
  [['[::1]:9092'], true],
  [['localhost'], false],
  [['localhost:'], false],
  [['kafka://localhost:9092'], false],
  [['a:1,b:2'], false],
  [[''], false],
])('brokers %j: %s', (brokers, accepted) => {
  expect(fields.brokers.accept(brokers) !== undefined).toBe(accepted)
})

test('driver is a name of the list or anything that makes drivers', () => {
  const module = { name: 'own', needsBrokers: () => false, createDriver: () => Promise.reject(new Error('unused')) }
  expect(fields.driver.accept('memory')).toBe('memory')
  expect(fields.driver.accept(module)).toBe(module)
  expect(['rdkafka', {}, null, 5].map(fields.driver.accept)).toEqual(Array(4).fill(undefined))
})

describe('the types', () => {
  test('a field with a default is always there, one without may be undefined', () => {
    expectTypeOf<MessagingConfig['clientId']>().toEqualTypeOf<string>()
    expectTypeOf<MessagingConfig['brokers']>().toEqualTypeOf<readonly string[] | undefined>()
    expectTypeOf<ProducerConfig['acks']>().toEqualTypeOf<'all' | 0 | 1>()
    expectTypeOf<ProducerConfig['topic']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<ProducerConfig['lingerMs']>().toEqualTypeOf<number>()
  })

  test('a secret is given as string and resolved as Secret', () => {
    expectTypeOf<NonNullable<MessagingOptions['sasl']>['password']>().toEqualTypeOf<string | Secret | undefined>()
    expectTypeOf<MessagingConfig['sasl']['password']>().toEqualTypeOf<Secret | undefined>()
  })

  test('options take known fields and values only', () => {
    expectTypeOf<ProducerOptions['compression']>().toEqualTypeOf<
      'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' | undefined
    >()
    // @ts-expect-error -- no such field
    const unknown: MessagingOptions = { borkers: [] }
    // @ts-expect-error -- no such value
    const bad: ProducerOptions = { acks: 2 }
    // @ts-expect-error -- no such field of a manifest's overrides
    const override: MessagingOptions = { producers: { OrderPlaced: { ack: 1 } } }
    expect([unknown, bad, override]).toHaveLength(3)
  })

  test('the resolved config has no `producer`, which each manifest resolves for itself', () => {
    expectTypeOf<MessagingConfig>().not.toHaveProperty('producer')
    expectTypeOf<keyof ProducerConfig>().toEqualTypeOf<keyof typeof manifestFields>()
  })
})
