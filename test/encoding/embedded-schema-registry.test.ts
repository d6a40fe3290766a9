import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { catchRejection } from '../catch-error.ts'

const schema = '{"type":"string"}'

test('a schema has one id, under whatever subject, and is found by it', async () => {
  const registry = createEmbeddedSchemaRegistry()
  const id = await registry.register('a-value', schema)
  expect(await registry.register('b-value', schema)).toBe(id)
  expect(await registry.getById(id)).toBe(schema)
})

test('the id is the first 31 bits of the SHA-256, the same in every process', async () => {
  const [one, other] = [createEmbeddedSchemaRegistry(), createEmbeddedSchemaRegistry()]
  const id = await one.register('a-value', schema)
  expect(id).toBe(Number.parseInt(createHash('sha256').update(schema).digest('hex').slice(0, 8), 16) >>> 1)
  expect(await other.register('a-value', schema)).toBe(id)
})

test('an id it has not given out is not found, not even one of another instance', async () => {
  const id = await createEmbeddedSchemaRegistry().register('a-value', schema)
  const error = await catchRejection(createEmbeddedSchemaRegistry().getById(id))
  expect(error.code).toBe('SCHEMA_NOT_FOUND')
  expect(error.message).toContain(String(id))
})

test('what a schema refers to is part of it; a version cannot be, since there are none', async () => {
  const registry = createEmbeddedSchemaRegistry()
  const inner = { name: 'A', subject: 'a', schema: '{"name":"A","type":"fixed","size":1}', references: [] }
  const id = await registry.register('a-value', '["null","A"]', [inner])
  expect(JSON.parse(await registry.getById(id))).toMatchObject(['null', { name: 'A', size: 1 }])
  const other = await registry.register('a-value', '["null","A"]', [
    { ...inner, schema: '{"name":"A","type":"fixed","size":2}' },
  ])
  expect(other).not.toBe(id)
  const byVersion = registry.register('a-value', '["null","A"]', [{ name: 'A', subject: 'a', version: 1 }])
  expect(await catchRejection(byVersion)).toMatchObject({ code: 'SCHEMA_INVALID' })
})
