import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCachedSchemaRegistry } from '../../src/encoding/cached-schema-registry.ts'
import { createHttpSchemaRegistry } from '../../src/encoding/http-schema-registry.ts'
import type { SchemaRegistry } from '../../src/encoding/schema-registry.ts'
import { ConfigStore } from '../../src/config/config-store.ts'
import type { MessagingConfig, MessagingOptions } from '../../src/config/fields.ts'
import {
  createSchemaRegistry,
  createSchemaRegistryClient,
  schemaRegistryOf,
} from '../../src/factory/create-schema-registry.ts'
import { subscribe, type EventPayloads } from '../../src/instrumentation/events.ts'
import { catchError, catchRejection } from '../catch-error.ts'
import { createConfluentApi, startServer } from '../schema-registry/http-server.ts'

type Options = NonNullable<MessagingOptions['schemaRegistry']>

function resolve(schemaRegistry: Options, environment = 'test'): MessagingConfig {
  const store = new ConfigStore({})
  store.configure({ ...(environment === '' ? {} : { environment }), schemaRegistry })
  return store.resolve()
}

test('without a URL the missing field is named', () => {
  expect(catchError(() => createSchemaRegistry(resolve({}), 'a'))).toMatchObject({
    code: 'CONFIG_MISSING',
    message: expect.stringMatching(/schemaRegistry\.url.*POSTRIDER_SCHEMA_REGISTRY_URL/),
  })
})

test('memory: is one inside the process, which tools cannot ask', async () => {
  const registry = createSchemaRegistry(resolve({ url: 'memory:' }), 'a')
  const id = await registry.register('a', '"int"')
  expect(await registry.getById(id)).toBe('"int"')
  expect(catchError(() => createSchemaRegistryClient(resolve({ url: 'memory:' })))).toMatchObject({
    code: 'CONFIG_INVALID',
  })
})

test.each<[Options['autoRegister'], string, boolean]>([
  [undefined, 'development', true],
  [undefined, 'test', true],
  [undefined, 'production', false],
  [undefined, '', false],
  ['always', '', true],
  [undefined, 'staging', false],
  ['in-development', 'production', false],
  ['always', 'production', true],
  ['never', 'development', false],
])('autoRegister %s in %s registers: %s', async (autoRegister, environment, registers) => {
  await using server = await startServer(createConfluentApi())
  const registry = createSchemaRegistry(resolve({ url: server.url, autoRegister }, environment), 'a')
  const call = registry.register('a', '"int"')
  if (registers) expect(await call).toBe(1)
  else expect(await catchRejection(call)).toMatchObject({ code: 'SCHEMA_NOT_REGISTERED' })
  await registry.close?.()
})

test('credentials are sent, and what happens is published for the instance', async () => {
  await using server = await startServer(createConfluentApi())
  const heard: Partial<EventPayloads['schema.registered']>[] = []
  const stops = [
    subscribe('schema.registered', (event) => heard.push(event)),
    subscribe('schema.fetched', (event) => heard.push(event)),
    subscribe('schema_registry.errored', ({ instance, error }) => heard.push({ instance, subject: error.code })),
  ]
  const config = resolve({ url: [server.url], username: 'ada', password: 'pw' })
  const registry = createSchemaRegistry(config, 'mine')
  const id = await registry.register('a', '"int"')
  await registry.getById(id)
  await server.close()
  await catchRejection(registry.register('b', '"int"'))
  expect(server.requests[0]!.authorization).toBe(`Basic ${Buffer.from('ada:pw').toString('base64')}`)
  expect(heard).toEqual([
    { instance: 'mine', subject: 'a', id, source: 'network', durationMs: expect.any(Number) },
    { instance: 'mine', id, source: 'network', durationMs: expect.any(Number) },
    { instance: 'mine', subject: 'SCHEMA_REGISTRY_UNREACHABLE' },
  ])
  for (const stop of stops) stop()
  await registry.close?.()
})

test('with a cacheDirectory another instance goes on when the schema registry is gone', async () => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'postrider-cache-'))
  const server = await startServer(createConfluentApi())
  const config = resolve({ url: server.url, token: 'tok', cacheDirectory })
  const before = createSchemaRegistry(config, 'a')
  const id = await before.register('a', '"int"')
  await before.close?.()
  await server.close()
  const after = createSchemaRegistry(config, 'b')
  expect(await after.register('a', '"int"')).toBe(id)
  expect(await readdir(cacheDirectory)).toHaveLength(1)
  await after.close?.()
  await rm(cacheDirectory, { recursive: true })
})

test('one that a manifest brings is heard of, with the cache that it has or one that it gets', async () => {
  await using server = await startServer(createConfluentApi())
  const heard: unknown[] = []
  const stop = subscribe('schema.registered', ({ instance, source }) => heard.push([instance, source]))
  const bare = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  const configured = createSchemaRegistry(resolve({ url: 'memory:' }), 'a')
  const ofManifest = (own: SchemaRegistry | undefined, instance: string): SchemaRegistry =>
    schemaRegistryOf({ schemaRegistry: own }, { instance, schemaRegistry: () => configured })()
  expect(ofManifest(undefined, 'a')).toBe(configured)
  const adopted = ofManifest(bare, 'a')
  await adopted.register('a', '"int"')
  await adopted.register('a', '"int"')
  const cached = createCachedSchemaRegistry(bare)
  await ofManifest(cached, 'b').register('a', '"int"')
  await ofManifest(cached, 'c').register('a', '"int"')
  expect(heard).toEqual([
    ['a', 'network'],
    ['a', 'cache'],
    ['b', 'network'],
    ['c', 'cache'],
  ])
  stop()
  await bare.close()
})
