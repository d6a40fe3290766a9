import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHttpSchemaRegistry } from '../../src/encoding/http-schema-registry.ts'
import {
  answer,
  createConfluentApi,
  startServer,
  type Respond,
  type TestServer,
} from '../schema-registry/http-server.ts'
import { linkReferences } from '../../src/encoding/schema-references.ts'
import { runCli, type CliRun } from './run-cli.ts'
import { Parcel } from './schema-manifests.ts'

const manifests = 'test/cli/schema-manifests.ts'
const leftOut = `Elsewhere: left out, its own schema registry has no versions
Note: left out, it has no Avro schema
`
let server: TestServer
let respond: Respond
beforeEach(async () => {
  respond = createConfluentApi()
  server = await startServer((...given) => respond(...given))
})
afterEach(() => server.close())

async function run(action: string, ...args: string[]): Promise<CliRun> {
  return runCli(['schemas', action, '--manifests', manifests, '--schema-registry', server.url, ...args])
}

async function register(subject: string, schema: unknown): Promise<void> {
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  await registry.register(subject, JSON.stringify(schema))
  await registry.close()
}

test('register puts what is new, under the subjects of the manifests, and nothing twice', async () => {
  expect(await run('register')).toEqual({
    status: 0,
    stderr: '',
    stdout: `${leftOut}Order: registered under orders-value (id 1)
Parcel: registered under cities (id 2)
Parcel: registered under shop.Address (id 3)
Parcel: registered under parcels-value (id 4)
Payment: registered under Payment (id 5)
`,
  })
  expect((await run('register')).stdout).toContain('Order: orders-value has it already (version 1, id 1)\n')
  expect(await run('diff')).toMatchObject({
    status: 0,
    stdout: `${leftOut}Order: as version 1 of orders-value
Parcel: as version 1 of cities
Parcel: as version 1 of shop.Address
Parcel: as version 1 of parcels-value
Payment: as version 1 of Payment
`,
  })
  expect(await run('check')).toMatchObject({
    status: 0,
    stdout: `${leftOut}Order: orders-value accepts it (BACKWARD, latest version 1)
Parcel: cities accepts it (BACKWARD, latest version 1)
Parcel: shop.Address accepts it (BACKWARD, latest version 1)
Parcel: parcels-value accepts it (BACKWARD, latest version 1)
Payment: Payment accepts it (BACKWARD, latest version 1)
`,
  })
})

describe('a manifest that breaks its subject', () => {
  beforeEach(async () => {
    await register('shop.orders-value', {
      type: 'record',
      name: 'shop.Order',
      fields: [
        { name: 'id', type: { type: 'string' } },
        { name: 'note', type: ['null', 'string'], default: null },
      ],
    })
    const inner = respond
    respond = (request, response, index) => {
      if (request.path.startsWith('/compatibility')) {
        return answer(response, 200, { is_compatible: false, messages: ['total has no default'] })
      }
      if (request.method === 'POST' && request.path.endsWith('/versions')) {
        return answer(response, 409, { message: 'total has no default' })
      }
      inner(request, response, index)
    }
  })
  const one = ['--manifests', `${manifests}#Order`]
  const changes = '  - note: null | string (default null)\n  + total: int (no default)\n'

  async function runOne(action: string): Promise<CliRun> {
    return runCli(['schemas', action, ...one, '--schema-registry', server.url], {
      environment: { POSTRIDER_TOPIC_PREFIX: 'shop.' },
    })
  }

  test('is refused by check, with the reasons and what changed', async () => {
    expect(await runOne('check')).toEqual({
      status: 1,
      stderr: '',
      stdout: `Order: shop.orders-value refuses it (BACKWARD, latest version 1)\n  total has no default\n${changes}`,
    })
  })

  test('is different in diff', async () => {
    expect(await runOne('diff')).toEqual({
      status: 1,
      stderr: '',
      stdout: `Order: different from version 1 of shop.orders-value\n${changes}`,
    })
  })

  test('is not registered', async () => {
    const { status, stdout } = await runOne('register')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^Order: The schema registry refused the schema of shop\.orders-value.*no default/)
  })
})

test('what is new: check says so and is fine, diff is not', async () => {
  expect(await run('check')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Order: orders-value is new\n'),
  })
  expect(await run('diff')).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('orders-value has no version yet'),
  })
})

test.each<[string, Respond, string]>([
  ['a denial', (_, response) => answer(response, 401, {}), 'SCHEMA_REGISTRY_DENIED'],
  ['a page', (_, response) => answer(response, 200, '<html>'), 'SCHEMA_REGISTRY_FAILED'],
])('%s is no answer about schemas', async (_, given, code) => {
  respond = given
  expect(await run('check')).toMatchObject({ status: 2, stderr: expect.stringContaining(`${code}: `) })
})

test('neither is a server that is not there', async () => {
  await server.close()
  expect(await run('check')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/SCHEMA_REGISTRY_UNREACHABLE.*ECONNREFUSED/),
  })
})

test.each<[string[], RegExp]>([
  [[], /say one of check, register, diff/],
  [['mend', '--manifests', manifests], /say one of check, register, diff/],
  [['check', 'diff', '--manifests', manifests], /say one of/],
  [['check'], /--manifests is missing/],
  [['check', '--manifests', './gone.ts'], /--manifests \.\/gone\.ts: the file cannot be loaded/],
  [['check', '--manifests', `${manifests}#Note`], /none of the manifests has an Avro schema/],
  [['check', '--manifests', 'test/cli/run-cli.ts'], /exports no manifest/],
  [['check', '--manifests', manifests, '--schema-registry', 'memory:'], /the URL of a server/],
  [['check', '--manifests', manifests, '--schema-registry', 'http://a:canary@b'], /username/],
  [['check', '--manifests', manifests, '--color'], /--color/],
])('schemas %j is wrong usage', async (args, message) => {
  const { status, stderr } = await runCli(['schemas', ...args])
  expect(status).toBe(2)
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/postrider schemas check\|register\|diff/)
  expect(stderr).not.toMatch(/canary/)
})

test('no URL anywhere names the field', async () => {
  expect(await runCli(['schemas', 'check', '--manifests', manifests])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/CONFIG_MISSING: .*schemaRegistry\.url.*POSTRIDER_SCHEMA_REGISTRY_URL/),
  })
})

test('a change of what a schema refers to is a change of both', async () => {
  const only = ['schemas', 'diff', '--manifests', `${manifests}#Parcel`, '--schema-registry', server.url]
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  const smaller = { name: 'shop.City', type: 'enum', symbols: ['ROM'] }
  const { name, subject, schema, references } = linkReferences(
    new Parcel().schema,
    new Parcel().references,
    'parcels-value',
  ).references[0]!
  await registry.register('parcels-value', JSON.stringify(new Parcel().schema), [
    { name, subject, schema, references: [{ ...references[0]!, schema: JSON.stringify(smaller) }] },
  ])
  expect(await runCli(only)).toEqual({
    status: 1,
    stderr: '',
    stdout: `Parcel: different from version 1 of cities
  + OSLO: symbol
Parcel: different from version 1 of shop.Address
  + city.OSLO: symbol
Parcel: different from version 1 of parcels-value
  + from.city.OSLO: symbol
`,
  })
  await registry.close()
})

test('a manifest with a schema registry of its own is compared with that one', async () => {
  await using partner = await startServer(createConfluentApi())
  const one = ['--manifests', `${manifests}#Partner`]
  const environment = { PARTNER_URL: partner.url }
  const runPartner = (action: string): Promise<CliRun> => runCli(['schemas', action, ...one], { environment })
  expect(await runPartner('check')).toMatchObject({ status: 0, stdout: 'Partner: orders-value is new\n' })
  expect(await runPartner('register')).toMatchObject({
    status: 0,
    stdout: 'Partner: registered under orders-value (id 1)\n',
  })
  expect(await runPartner('diff')).toMatchObject({ status: 0, stdout: 'Partner: as version 1 of orders-value\n' })
  expect(server.requests).toEqual([])
})

test('a server that cannot compare versions with references leaves it to the command', async () => {
  const inner = respond
  respond = (request, response, index) =>
    request.path.startsWith('/compatibility/subjects/parcels')
      ? answer(response, 422, { error_code: 42201, message: 'invalid Avro schema' })
      : inner(request, response, index)
  const parcel = { ...new Parcel().schema, fields: [{ name: 'from', type: 'Address' }] }
  const linked = linkReferences(parcel, new Parcel().references, 'parcels-value')
  const registry = createHttpSchemaRegistry({ urls: [server.url], autoRegister: true })
  const check = (): Promise<CliRun> =>
    runCli(['schemas', 'check', '--manifests', `${manifests}#Parcel`, '--schema-registry', server.url])
  await registry.register('parcels-value', linked.text, linked.references)
  const refused = await check()
  expect(refused.status).toBe(1)
  expect(refused.stdout).toMatch(/parcels-value refuses it \(BACKWARD, latest version 1\)\n {2}.*to/)
  const whole = linkReferences(new Parcel().schema, new Parcel().references, 'parcels-value')
  await registry.register('parcels-value', whole.text, whole.references)
  expect(await check()).toMatchObject({ status: 0, stdout: expect.stringContaining('parcels-value accepts it') })
  await registry.close()
})
