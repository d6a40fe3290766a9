import { inspect } from 'node:util'
import * as fc from '../fast-check.ts'
import { describe, expect, test } from 'vitest'
import { configLayers, ConfigStore, type ConfigLayer } from '../../src/config/config-store.ts'
import type { MessagingOptions, ProducerOptions } from '../../src/config/fields.ts'
import { Secret } from '../../src/config/secret.ts'
import { catchError } from '../catch-error.ts'

/** A store in which exactly the given layers set lingerMs of the manifest M, each to another value. */
function storeWith(layers: ReadonlySet<ConfigLayer>): { store: ConfigStore; attributes: ProducerOptions } {
  const store = new ConfigStore(layers.has('environment') ? { POSTRIDER_PRODUCER_LINGER_MS: '1' } : {})
  if (layers.has('library')) store.configure({ producer: { lingerMs: 2 } }, 'library')
  if (layers.has('application')) store.configure({ producer: { lingerMs: 3 } })
  if (layers.has('library override')) store.configure({ producers: { M: { lingerMs: 5 } } }, 'library')
  if (layers.has('application override')) store.configure({ producers: { M: { lingerMs: 6 } } })
  return { store, attributes: layers.has('manifest') ? { lingerMs: 4 } : {} }
}

describe('layers', () => {
  test('the strongest that sets a field wins, whichever of the weaker ones set it too; explain names them all', () => {
    const optional = configLayers.filter((layer) => layer !== 'default')
    fc.assert(
      fc.property(fc.subarray(optional), (chosen) => {
        const layers = new Set<ConfigLayer>(['default', ...chosen])
        const { store, attributes } = storeWith(layers)
        const strongestFirst = configLayers.filter((layer) => layers.has(layer)).toReversed()
        const valueOf = (layer: ConfigLayer) => configLayers.indexOf(layer)
        expect(store.resolveProducer('M', attributes).lingerMs).toBe(valueOf(strongestFirst[0]!))
        const explained = store.explain('producers.M.lingerMs')
        expect(explained).toMatchObject({ path: 'producers.M.lingerMs', value: valueOf(strongestFirst[0]!) })
        expect([explained.layer, ...explained.beaten.map(({ layer }) => layer)]).toEqual(strongestFirst)
        expect(explained.beaten.map(({ value }) => value)).toEqual(strongestFirst.slice(1).map(valueOf))
      }),
    )
  })

  test('the order of the configure calls does not matter across layers, only within one', () => {
    const store = new ConfigStore({})
    store.configure({ clientId: 'app' })
    store.configure({ clientId: 'library' }, 'library')
    store.configure({ clientId: 'app, later' })
    expect(store.resolve().clientId).toBe('app, later')
  })

  test('an override of one manifest leaves others alone, even one whose name starts the same', () => {
    const store = new ConfigStore({})
    store.configure({ producers: { Order: { lingerMs: 7 } } })
    expect(store.resolveProducer('Order', {}).lingerMs).toBe(7)
    expect(store.resolveProducer('OrderPlaced', {}).lingerMs).toBe(0)
  })

  test('undefined sets nothing and beats nothing', () => {
    const store = new ConfigStore({})
    store.configure({ clientId: 'kept' }, 'library')
    store.configure({ clientId: undefined, producer: { lingerMs: undefined } })
    expect(store.resolve().clientId).toBe('kept')
    expect(store.resolveProducer('M', { lingerMs: undefined }).lingerMs).toBe(0)
  })

  test('pass-through options are merged key by key, each key from its strongest layer', () => {
    const store = new ConfigStore({ POSTRIDER_DRIVER_OPTIONS_CONFLUENT: '{"a":"environment","b":"environment"}' })
    store.configure({ driverOptions: { confluent: { b: 'library', c: 'library' } } }, 'library')
    store.configure({ driverOptions: { confluent: { c: 'application' } } })
    store.configure({ driverOptions: { confluent: { d: 'a later call' } } })
    expect(store.resolve().driverOptions.confluent).toEqual({
      a: 'environment',
      b: 'library',
      c: 'application',
      d: 'a later call',
    })
  })

  test('lists are replaced as a whole', () => {
    const store = new ConfigStore({ POSTRIDER_BROKERS: 'a:1,b:2' })
    store.configure({ brokers: ['c:3'] })
    expect(store.resolve().brokers).toEqual(['c:3'])
  })

  test('the environment is not looked at before something is resolved', () => {
    const environment = { POSTRIDER_NONSENSE: 'x' }
    const store = new ConfigStore(environment)
    store.configure({ clientId: 'a' })
    expect(catchError(() => store.resolve()).code).toBe('CONFIG_UNKNOWN_FIELD')
  })
})

describe('explain', () => {
  test('says what a field is, what it accepts and which variable sets it', () => {
    const store = new ConfigStore({})
    expect(store.explain('producers.M.acks')).toEqual({
      path: 'producers.M.acks',
      value: 'all',
      layer: 'default',
      beaten: [],
      expected: 'one of all, 0, 1',
      doc: expect.stringContaining('replicas'),
      environmentName: 'POSTRIDER_PRODUCER_ACKS',
    })
  })

  test('a field nobody sets has neither layer nor value; one without variable has no name of it', () => {
    const store = new ConfigStore({})
    expect(store.explain('sasl.username')).toMatchObject({ value: undefined, layer: undefined, beaten: [] })
    expect(store.explain('producers.M.topic').environmentName).toBeUndefined()
  })

  test('counts the attributes it is given at once, and remembers those of a manifest that was resolved', () => {
    const store = new ConfigStore({})
    expect(store.explain('producers.A.acks', { acks: 1 })).toMatchObject({ layer: 'manifest', value: 1 })
    store.resolveProducer('B', { acks: 0 })
    expect(store.explain('producers.B.acks')).toMatchObject({ layer: 'manifest', value: 0 })
  })
})

describe('refused', () => {
  test('a bad attribute of a manifest names the manifest', () => {
    const error = catchError(() => new ConfigStore({}).resolveProducer('M', { acks: 2 } as never))
    expect(error.message).toContain('Config field producers.M.acks cannot be 2')
  })

  test('configure is all or nothing: one bad field, and none of the call counts', () => {
    const store = new ConfigStore({})
    const options = { clientId: 'new', producers: { M: { lingerMs: 9, acks: 5 } } }
    catchError(() => store.configure(options as unknown as MessagingOptions))
    expect(store.resolve().clientId).toBe('postrider')
    expect(store.resolveProducer('M', {}).lingerMs).toBe(0)
  })

  test('a mechanism without credentials, naming what is missing and the variable for it', () => {
    const store = new ConfigStore({})
    store.configure({ sasl: { mechanism: 'plain' } })
    expect(catchError(() => store.resolve()).message).toContain('sasl.username is not set')
    store.configure({ sasl: { username: 'ada' } })
    expect(catchError(() => store.resolve()).message).toContain('POSTRIDER_SASL_PASSWORD')
    store.configure({ sasl: { password: 'x' } })
    expect(store.resolve().sasl.username).toBe('ada')
  })
})

test('what is resolved is frozen at every depth and does not follow later changes of what was given', () => {
  const brokers = ['a:1']
  const confluent: Record<string, string> = { 'client.rack': 'a' }
  const store = new ConfigStore({})
  store.configure({ brokers, driverOptions: { confluent } })
  brokers.push('b:2')
  confluent['client.rack'] = 'b'
  const config = store.resolve()
  expect(config.brokers).toEqual(['a:1'])
  expect(config.driverOptions.confluent).toEqual({ 'client.rack': 'a' })

  const producerConfig = store.resolveProducer('M', { acks: 1 })
  const open: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || value instanceof Secret) return
    if (!Object.isFrozen(value)) open.push(path)
    for (const [name, child] of Object.entries(value)) visit(child, `${path}.${name}`)
  }
  visit(config, 'config')
  visit(producerConfig, 'producerConfig')
  expect(open).toEqual([])
})

test('a resolved configuration is the same object until something is configured', () => {
  const store = new ConfigStore({})
  const first = store.resolve()
  expect(store.resolve()).toBe(first)
  store.configure({ clientId: 'other' })
  expect(store.resolve()).not.toBe(first)
  expect(first.clientId).toBe('postrider')
})

describe('a secret appears nowhere', () => {
  const canary = 'canary-77aa'
  const options: MessagingOptions = {
    sasl: { mechanism: 'plain', username: 'ada', password: canary },
    tls: { key: canary, keyPassword: canary },
    driverOptions: { confluent: { 'ssl.keystore.password': canary, 'sasl.oauthbearer.client.secret': canary } },
  }
  const store = new ConfigStore({ POSTRIDER_SASL_PASSWORD: `${canary}-environment` })
  store.configure(options, 'library')
  store.configure(options)
  const config = store.resolve()
  store.lock('M')

  test.each<[where: string, value: unknown]>([
    ['the resolved configuration', config],
    ['the store', store],
    ['explain(sasl.password)', store.explain('sasl.password')],
    ['explain(tls.key)', store.explain('tls.key')],
    ['explain(driverOptions.confluent)', store.explain('driverOptions.confluent')],
    ['the error of a change in use', catchError(() => store.configure({ sasl: { password: `${canary}2` } }))],
    ['the error of a bad one', catchError(() => store.configure({ tls: { key: { canary } as never } }))],
    [
      'the error of a bad pass-through',
      catchError(() => store.configure({ driverOptions: { confluent: { [canary]: null as never } } })),
    ],
    [
      'the error of a text where a group belongs',
      catchError(() => store.configure({ sasl: canary as never, tls: canary as never })),
    ],
  ])('not in %s', (_, value) => {
    const printed = [
      inspect(value, { depth: 20, showHidden: true }),
      JSON.stringify(value),
      String(value),
      String((value as Error).stack),
      ...Object.values(value as object).map(String),
    ]
    expect(printed.join('\n')).not.toContain(canary)
  })

  test('and is still there for the driver', () => {
    expect(config.sasl.password?.reveal()).toBe(canary)
    expect((config.driverOptions.confluent['ssl.keystore.password'] as Secret).reveal()).toBe(canary)
  })
})

describe('in use', () => {
  test('what a built manifest uses cannot change, and the error says who uses it', () => {
    const store = new ConfigStore({})
    store.configure({ clientId: 'first' })
    store.lock('OrderPlaced')
    const error = catchError(() => store.configure({ clientId: 'second' }))
    expect(error.code).toBe('CONFIG_IN_USE')
    expect(error.message).toContain('clientId cannot change now: OrderPlaced')
    expect(catchError(() => store.configure({ producers: { OrderPlaced: { acks: 1 } } })).code).toBe('CONFIG_IN_USE')
    expect(store.resolve().clientId).toBe('first')
  })

  test('overrides of a manifest that is not built yet are free', () => {
    const store = new ConfigStore({})
    store.lock('OrderPlaced')
    store.configure({ producers: { OrderShipped: { acks: 1 } } })
    expect(store.resolveProducer('OrderShipped', {}).acks).toBe(1)
  })

  test('one bad field of a call keeps its good ones out too', () => {
    const store = new ConfigStore({})
    store.lock('OrderPlaced')
    catchError(() => store.configure({ producers: { Free: { acks: 1 } }, clientId: 'changed' }))
    expect(store.resolveProducer('Free', {}).acks).toBe('all')
  })

  test('saying the same again is no change: lists, secrets and part of a pass-through object included', () => {
    const store = new ConfigStore({})
    const driverOptions = { confluent: { a: 1, 'sasl.password': 'x' } }
    store.configure({ brokers: ['a:1'], sasl: { password: 'secret' }, driverOptions })
    store.lock('OrderPlaced')
    store.configure({ brokers: ['a:1'], sasl: { password: 'secret' }, driverOptions: { confluent: { a: 1 } } })
    expect(catchError(() => store.configure({ brokers: ['a:1', 'b:2'] })).code).toBe('CONFIG_IN_USE')
    expect(catchError(() => store.configure({ sasl: { password: 'other' } })).code).toBe('CONFIG_IN_USE')
    expect(catchError(() => store.configure({ driverOptions: { confluent: { a: 2 } } })).code).toBe('CONFIG_IN_USE')
  })

  test('an object passed in is the same only as itself, and its inside is not compared', () => {
    class Tracker {
      readonly self = this
      notify(): void {}
    }
    const notifier = new Tracker()
    const store = new ConfigStore({})
    store.configure({ errorNotifier: { notifier } })
    store.lock('OrderPlaced')
    store.configure({ errorNotifier: { notifier } })
    const another = { errorNotifier: { notifier: new Tracker() } }
    expect(catchError(() => store.configure(another)).code).toBe('CONFIG_IN_USE')
  })

  test('a build that failed gives its configuration free again', () => {
    const store = new ConfigStore({})
    store.lock('OrderPlaced')
    store.unlock('OrderPlaced')
    store.configure({ clientId: 'repaired' })
    expect(store.resolve().clientId).toBe('repaired')
  })
})

describe('idempotence', () => {
  const resolved = (attributes: ProducerOptions, options: MessagingOptions = {}) => {
    const store = new ConfigStore({})
    store.configure(options)
    return store.resolveProducer('M', attributes)
  }

  test('is on by itself, and gives way to acks 0 or 1', () => {
    expect(resolved({}).idempotence).toBe(true)
    expect(resolved({ acks: 1 })).toMatchObject({ acks: 1, idempotence: false })
    expect(resolved({ acks: 0 })).toMatchObject({ acks: 0, idempotence: false })
    expect(Object.isFrozen(resolved({ acks: 1 }))).toBe(true)
  })

  test('chosen by somebody, in whatever layer, it does not', () => {
    const error = catchError(() => resolved({ acks: 1 }, { producer: { idempotence: true } }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain('producers.M.idempotence cannot be true: expected false where acks is 1')
  })

  test('allows at most 5 requests in flight; more is refused rather than order given up', () => {
    expect(resolved({ maxInFlight: 5 })).toMatchObject({ maxInFlight: 5, idempotence: true })
    const error = catchError(() => resolved({ maxInFlight: 6 }))
    expect(error.message).toContain('producers.M.maxInFlight cannot be 6: expected at most 5 with idempotence')
    expect(resolved({ maxInFlight: 6, idempotence: false }).maxInFlight).toBe(6)
    expect(resolved({ maxInFlight: 6, acks: 1 }).maxInFlight).toBe(6)
  })
})
