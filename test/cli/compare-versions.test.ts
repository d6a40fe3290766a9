import { expect, test } from 'vitest'
import { compareVersions } from '../../src/cli/compare-versions.ts'
import { catchRejection } from '../catch-error.ts'

const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'R', fields })
const id = { name: 'id', type: 'string' }
const one = record(id)
const withDefault = record(id, { name: 'total', type: 'int', default: 0 })
const without = record(id, { name: 'total', type: 'int' })

test.each<[level: string, schema: string, earlier: string[], compatible: boolean]>([
  ['BACKWARD', withDefault, [one], true],
  ['BACKWARD', without, [one], false],
  ['BACKWARD', one, [without], true],
  ['FORWARD', without, [one], true],
  ['FORWARD', one, [without], false],
  ['FULL', withDefault, [one], true],
  ['FULL', without, [one], false],
  ['FULL', one, [without], false],
  ['BACKWARD_TRANSITIVE', without, [one, withDefault], false],
  ['BACKWARD', without, [withDefault], true],
  ['FULL_TRANSITIVE', withDefault, [one, without], true],
  ['NONE', '"int"', [one], true],
])('%s: %s after %j is compatible: %s', async (level, schema, earlier, compatible) => {
  const { compatible: found, reasons } = await compareVersions(level, schema, earlier, 'r-value')
  expect(found).toBe(compatible)
  expect(reasons.length > 0).toBe(!compatible)
})

test('a schema that is no Avro is told under its subject', async () => {
  expect(await catchRejection(compareVersions('FULL', '"nonsense"', [one], 'r-value'))).toMatchObject({
    code: 'SCHEMA_INVALID',
    message: expect.stringContaining('r-value'),
  })
})
