import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAvroCodec } from '../../src/encoding/avro-codec.ts'
import { createHttpSchemaRegistry } from '../../src/encoding/http-schema-registry.ts'
import { createMessaging, ProducerManifest, type Messaging } from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { catchRejection } from '../catch-error.ts'
import { runCli } from '../cli/run-cli.ts'
import { createTlsMaterial } from '../kafka/tls-material.ts'
import { startApicurio, type Apicurio } from '../schema-registry/apicurio.ts'

let apicurio: Apicurio
beforeAll(async () => {
  apicurio = await startApicurio()
  // The first run fetches it.
}, 600_000)
afterAll(() => apicurio.kill())

const record = (fields: object[], name = 'Order'): string =>
  JSON.stringify({ type: 'record', name, namespace: 'shop', fields })
const first = record([{ name: 'id', type: 'string' }])

async function setBackward(subject: string): Promise<void> {
  await fetch(`${apicurio.url}/config/${subject}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
  })
}

test('registers, looks up and evolves as a real schema registry allows', async () => {
  const registry = createHttpSchemaRegistry({ urls: [apicurio.url], autoRegister: true })
  const subject = 'evolved-value'
  const id = await registry.register(subject, first)
  expect(await registry.register(subject, first)).toBe(id)
  expect(JSON.parse(await registry.getById(id))).toEqual(JSON.parse(first))
  expect(await registry.getVersion(subject, 'latest')).toMatchObject({ id, version: 1, subject })

  await setBackward(subject)
  expect(await registry.getCompatibilityLevel(subject)).toBe('BACKWARD')
  expect(await registry.getCompatibilityLevel('no-such-subject')).toBe('NONE')
  const broken = record([{ name: 'total', type: 'int' }])
  const check = await registry.checkCompatibility(subject, broken)
  expect(check.compatible).toBe(false)
  expect(check.reasons.join()).toMatch(/total/)
  expect(await catchRejection(registry.register(subject, broken))).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
  const second = record([
    { name: 'id', type: 'string' },
    { name: 'total', type: 'int', default: 0 },
  ])
  expect(await registry.checkCompatibility(subject, second)).toEqual({ compatible: true, reasons: [] })
  expect(await registry.register(subject, second)).not.toBe(id)
  expect(await registry.getVersion(subject, 'latest')).toMatchObject({ version: 2 })
  await registry.close()
})

test('says what is not there in its own codes', async () => {
  const registry = createHttpSchemaRegistry({ urls: [apicurio.url] })
  expect(await catchRejection(registry.getById(987_654))).toMatchObject({ code: 'SCHEMA_NOT_FOUND' })
  expect(await catchRejection(registry.register('none-value', first))).toMatchObject({ code: 'SCHEMA_NOT_REGISTERED' })
  expect(await registry.getVersion('none-value', 'latest')).toBeUndefined()
  expect(await registry.checkCompatibility('none-value', first)).toEqual({ compatible: true, reasons: [] })
  const writer = createHttpSchemaRegistry({ urls: [apicurio.url], autoRegister: true })
  expect(await catchRejection(writer.register('bad-value', '{nonsense'))).toMatchObject({ code: 'SCHEMA_INVALID' })
  const wrong = createHttpSchemaRegistry({ urls: [apicurio.url.replace('ccompat', 'nowhere')] })
  expect(await catchRejection(wrong.getById(1))).toMatchObject({ code: 'SCHEMA_REGISTRY_FAILED' })
  await Promise.all([registry.close(), writer.close(), wrong.close()])
})

test('a schema with references is read back complete', async () => {
  const registry = createHttpSchemaRegistry({ urls: [apicurio.url], autoRegister: true })
  const address = record([{ name: 'city', type: 'string' }], 'Address')
  await registry.register('address', address)
  const order = record([{ name: 'to', type: 'shop.Address' }])
  const references = [{ name: 'shop.Address', subject: 'address', version: 1 }]
  const id = await registry.register('referring-value', order, references)
  expect(JSON.parse(await registry.getById(id))).toMatchObject({ fields: [{ name: 'to', type: JSON.parse(address) }] })
  await registry.close()
})

class Parcel extends ProducerManifest<{ from: { city: string }; to: { city: string } }> {
  readonly topic = 'sent-parcels'
  override readonly schema = record(
    [
      { name: 'from', type: 'Place' },
      { name: 'to', type: 'shop.Place' },
    ],
    'Parcel',
  )
  override readonly references = [
    record([{ name: 'city', type: 'City' }], 'Place'),
    { subject: 'cities', schema: { type: 'enum', name: 'City', namespace: 'shop', symbols: ['ROM', 'OSLO'] } },
  ]
}

test('a manifest with references registers them, and is read by one that does not have them', async () => {
  const driver = createMemoryDriver()
  const schemaRegistry = { url: apicurio.url, autoRegister: 'always' } as const
  const parcel = { from: { city: 'ROM' }, to: { city: 'OSLO' } }
  await using first = createMessaging({ driver, schemaRegistry }, {})
  await first.registry.send(Parcel, parcel)
  await using again = createMessaging({ driver, schemaRegistry: { url: apicurio.url } }, {})
  await again.registry.send(Parcel, parcel)
  const [sent, repeated] = driver.records('sent-parcels').map(({ value }) => value!)
  expect(repeated).toEqual(sent)

  const registry = createHttpSchemaRegistry({ urls: [apicurio.url], autoRegister: true })
  expect(await registry.getVersion('sent-parcels-value', 'latest')).toMatchObject({
    version: 1,
    references: [{ name: 'shop.Place', subject: 'shop.Place', version: 1 }],
  })
  expect(await registry.getVersion('shop.Place', 'latest')).toMatchObject({
    references: [{ name: 'shop.City', subject: 'cities', version: 1 }],
  })
  const reader = await createAvroCodec({
    manifest: 'Reader',
    schema: record(
      [{ name: 'to', type: { type: 'record', name: 'Place', fields: [{ name: 'city', type: 'string' }] } }],
      'Parcel',
    ).replace('"string"', '{"type":"enum","name":"City","symbols":["OSLO","ROM"]}'),
    subject: 'reader-value',
    schemaRegistry: registry,
  })
  expect(await reader.decode(sent!)).toEqual({ to: { city: 'OSLO' } })
  await registry.close()
})

test('trusts the certificate authority it is given and no other', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'postrider-tls-'))
  const material = await createTlsMaterial('java', directory)
  const server = createServer(
    { pfx: await readFile(material.keystoreFile), passphrase: material.keystorePassword },
    (_, response) => response.end(JSON.stringify({ compatibilityLevel: 'FULL' })),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const urls = [`https://localhost:${(server.address() as AddressInfo).port}`]
  const byFile = createHttpSchemaRegistry({ urls, tls: { ca: material.authorityFile } })
  const byText = createHttpSchemaRegistry({ urls, tls: { ca: await readFile(material.authorityFile, 'utf8') } })
  const without = createHttpSchemaRegistry({ urls, timeoutMs: 2_000 })
  expect(await byFile.getCompatibilityLevel('a')).toBe('FULL')
  expect(await byText.getCompatibilityLevel('a')).toBe('FULL')
  expect(await catchRejection(without.getCompatibilityLevel('a'))).toMatchObject({
    code: 'SCHEMA_REGISTRY_UNREACHABLE',
    message: expect.stringMatching(/self.signed certificate/),
  })
  await Promise.all([byFile.close(), byText.close(), without.close()])
  server.close()
  server.closeAllConnections()
  await rm(directory, { recursive: true })
})

class Order extends ProducerManifest<{ id: string; total: number }> {
  readonly topic: string = 'sent-orders'
  override readonly schema = record([
    { name: 'id', type: 'string' },
    { name: 'total', type: 'int' },
  ])
}

test('the command line and a real schema registry agree about manifests', async () => {
  const args = ['--manifests', 'test/cli/schema-manifests.ts', '--schema-registry', apicurio.url]
  expect((await runCli(['schemas', 'check', ...args])).stdout).toContain('Order: orders-value is new')
  expect(await runCli(['schemas', 'register', ...args])).toMatchObject({ status: 0, stderr: '' })
  const { status, stdout } = await runCli(['schemas', 'diff', ...args])
  expect(stdout).toContain('Order: as version 1 of orders-value')
  expect(stdout).toContain('Parcel: as version 1 of parcels-value')
  expect(status).toBe(0)
  await setBackward('parcels-value')
  expect(await runCli(['schemas', 'check', ...args])).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining('Parcel: parcels-value accepts it (BACKWARD, latest version 1)'),
  })
})

// The last one, since it ends the schema registry.
test('what was sent once is sent again by another process after the schema registry went down', async () => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'postrider-schema-cache-'))
  const create = (autoRegister: 'always' | 'never'): { messaging: Messaging; values: () => Buffer[] } => {
    const driver = createMemoryDriver()
    const schemaRegistry = { url: apicurio.url, cacheDirectory, autoRegister, timeoutMs: 2_000 }
    return {
      messaging: createMessaging({ driver, schemaRegistry }, {}),
      values: () => driver.records('sent-orders').map(({ value }) => value!),
    }
  }
  const strict = create('never')
  expect(await catchRejection(strict.messaging.registry.send(Order, { id: 'a', total: 1 }))).toMatchObject({
    code: 'SCHEMA_NOT_REGISTERED',
    manifest: 'Order',
    outcome: 'not_sent',
  })
  const before = create('always')
  await before.messaging.registry.send(Order, { id: 'a', total: 1 })
  await before.messaging.close()
  await apicurio.kill()
  const after = create('always')
  await after.messaging.registry.send(Order, { id: 'a', total: 1 })
  expect(after.values()).toEqual(before.values())
  class Unseen extends Order {
    override readonly topic: string = 'unseen'
  }
  expect(await catchRejection(after.messaging.registry.send(Unseen, { id: 'a', total: 1 }))).toMatchObject({
    code: 'SCHEMA_REGISTRY_UNREACHABLE',
    retriable: true,
  })
  await Promise.all([strict.messaging.close(), after.messaging.close()])
  await rm(cacheDirectory, { recursive: true })
})
