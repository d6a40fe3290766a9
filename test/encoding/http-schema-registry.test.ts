import { expect, test } from 'vitest'
import { createHttpSchemaRegistry } from '../../src/encoding/http-schema-registry.ts'
import { catchRejection } from '../catch-error.ts'
import { answer, createConfluentApi, startServer, type Respond } from '../schema-registry/http-server.ts'

const schema = JSON.stringify({ type: 'record', name: 'A', fields: [{ name: 'x', type: 'int' }] })
const subject = 'orders/eu-value'

test('register only looks a schema up unless it may add it', async () => {
  await using server = await startServer(createConfluentApi())
  const reader = createHttpSchemaRegistry({ urls: [server.url] })
  const writer = createHttpSchemaRegistry({ urls: [`${server.url}/`], autoRegister: true })
  expect(await catchRejection(reader.register(subject, schema))).toMatchObject({
    code: 'SCHEMA_NOT_REGISTERED',
    outcome: 'not_sent',
    message: expect.stringMatching(/orders\/eu-value.*postrider schemas register.*autoRegister/),
  })
  const id = await writer.register(subject, schema)
  expect(await reader.register(subject, schema)).toBe(id)
  expect(await reader.getById(id)).toBe(schema)
  expect(await writer.register(subject, schema)).toBe(id)
  const written = server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/versions'))
  expect(written, 'what is there is not registered again').toHaveLength(1)
  expect(written[0]!.path).toBe('/subjects/orders%2Feu-value/versions')
  await Promise.all([reader.close(), writer.close(), reader.close()])
})

test('versions, levels and compatibility', async () => {
  await using server = await startServer(createConfluentApi({ compatible: false }))
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  expect(await registry.getVersion(subject, 'latest')).toBeUndefined()
  expect(await registry.checkCompatibility('new', schema)).toEqual({ compatible: true, reasons: [] })
  await using open = await startServer(createConfluentApi())
  const free = createHttpSchemaRegistry({ urls: [open.url], autoRegister: true })
  const id = await free.register(subject, schema)
  const latest = { id, subject, version: 1, schema, references: [] }
  expect(await free.getVersion(subject, 'latest')).toEqual(latest)
  expect(await free.getVersion(subject, 1)).toEqual(latest)
  expect(await free.getVersion(subject, 2)).toBeUndefined()
  expect(await free.find(subject, schema)).toEqual(latest)
  expect(await free.getCompatibilityLevel(subject)).toBe('BACKWARD')
  await Promise.all([registry.close(), free.close()])
})

test('a schema is delivered with what it refers to', async () => {
  await using server = await startServer(createConfluentApi())
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  const address = { type: 'record', name: 'Address', namespace: 'geo', fields: [{ name: 'city', type: 'string' }] }
  await registry.register('address', JSON.stringify(address))
  const reference = { name: 'geo.Address', subject: 'address', version: 1 }
  const order = { type: 'record', name: 'Order', fields: [{ name: 'to', type: 'geo.Address' }] }
  const id = await registry.register(subject, JSON.stringify(order), [reference])
  expect(JSON.parse(await registry.getById(id))).toEqual({ ...order, fields: [{ name: 'to', type: address }] })
  await registry.close()
})

test.each<[string, Respond, string, RegExp]>([
  [
    '409',
    (_, response) => answer(response, 409, { message: 'no default for y' }),
    'SCHEMA_INCOMPATIBLE',
    /no default for y/,
  ],
  ['422', (_, response) => answer(response, 422, { message: 'unknown type' }), 'SCHEMA_INVALID', /unknown type/],
  ['another 404', (_, response) => answer(response, 404, {}), 'SCHEMA_REGISTRY_FAILED', /is the URL right/],
  ['a 400', (_, response) => answer(response, 400, { message: 'bad' }), 'SCHEMA_REGISTRY_FAILED', /bad/],
  ['no id', (_, response) => answer(response, 200, {}), 'SCHEMA_REGISTRY_FAILED', /without id/],
  ['null', (_, response) => answer(response, 200, null), 'SCHEMA_REGISTRY_FAILED', /answered 200/],
  [
    'a bad reference',
    (_, response) => answer(response, 200, { id: 1, subject, version: 1, schema, references: [null] }),
    'SCHEMA_REGISTRY_FAILED',
    /reference/,
  ],
])('an answer of %s to a registration has its code', async (_, respond, code, message) => {
  await using server = await startServer(respond)
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  expect(await catchRejection(registry.register(subject, schema))).toMatchObject({
    code,
    outcome: 'not_sent',
    message: expect.stringMatching(message),
  })
  await registry.close()
})

test.each<[string, unknown, string]>([
  ['text of another type', { schema: 'syntax = "proto3"', schemaType: 'PROTOBUF' }, 'SCHEMA_INVALID'],
  ['no text', { schema: 5 }, 'SCHEMA_REGISTRY_FAILED'],
])('an id that leads to %s', async (_, body, code) => {
  await using server = await startServer((_request, response) => answer(response, 200, body))
  const registry = createHttpSchemaRegistry({ urls: [server.url] })
  expect(await catchRejection(registry.getById(1))).toMatchObject({ code })
  await registry.close()
})

test('schemas that refer to each other in a circle are given up', async () => {
  const looped = { id: 1, subject: 'a', version: 1, schema, references: [{ name: 'A', subject: 'a', version: 1 }] }
  await using server = await startServer((_, response) => answer(response, 200, looped))
  const registry = createHttpSchemaRegistry({ urls: [server.url] })
  expect(await catchRejection(registry.getById(1))).toMatchObject({ message: expect.stringMatching(/nested deeper/) })
  await registry.close()
})

test('an unknown id', async () => {
  await using server = await startServer(createConfluentApi())
  const registry = createHttpSchemaRegistry({ urls: [server.url] })
  expect(await catchRejection(registry.getById(77))).toMatchObject({ code: 'SCHEMA_NOT_FOUND' })
  await registry.close()
})

test('what a schema refers to is registered before it, in turn, and by its version', async () => {
  await using server = await startServer(createConfluentApi())
  const city = { name: 'City', subject: 'city', schema: '{"name":"City","type":"fixed","size":1}', references: [] }
  const address = {
    name: 'Address',
    subject: 'address',
    schema: '{"name":"Address","type":"record","fields":[{"name":"city","type":"City"}]}',
    references: [city],
  }
  const reader = createHttpSchemaRegistry({ urls: [server.url] })
  const given = ['orders-value', '["null","Address","City"]', [address, city]] as const
  expect(await catchRejection(reader.register(...given))).toMatchObject({ code: 'SCHEMA_NOT_REGISTERED' })
  expect(server.requests.filter(({ path }) => path.endsWith('/versions'))).toEqual([])

  const writer = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  await writer.register('city', '{"name":"City","type":"enum","symbols":[]}')
  const id = await writer.register(...given)
  expect(await reader.register(...given)).toBe(id)
  expect(await reader.add(...given), 'adding what is there changes nothing').toBe(id)
  expect(await reader.getVersion('orders-value', 'latest')).toMatchObject({
    version: 1,
    references: [
      { name: 'Address', subject: 'address', version: 1 },
      { name: 'City', subject: 'city', version: 2 },
    ],
  })
  expect(JSON.parse(await reader.getById(id))).toMatchObject([
    'null',
    { fields: [{ type: { name: 'City', size: 1 } }] },
    'City',
  ])
  await Promise.all([reader.close(), writer.close()])
})

test('a server that loses what it was given is told so', async () => {
  await using server = await startServer(({ path }, response) =>
    path.endsWith('/versions') ? answer(response, 200, { id: 1 }) : answer(response, 404, { error_code: 40401 }),
  )
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  const inner = { name: 'A', subject: 'a', schema, references: [] }
  expect(await catchRejection(registry.register('b', '["A"]', [inner]))).toMatchObject({
    code: 'SCHEMA_REGISTRY_FAILED',
    message: expect.stringMatching(/registered under a/),
  })
  await registry.close()
})
