import * as fc from '../fast-check.ts'
import { expect, test } from 'vitest'
import { canonicalizeSchema, parseSchemaText } from '../../src/encoding/canonical-schema.ts'

const schema = {
  fields: [{ default: { b: 1, a: 2 }, doc: 'kept', order: 'ignore', type: { values: 'int', type: 'map' }, name: 'm' }],
  name: 'Order',
  aliases: ['Old'],
  namespace: 'shop',
  type: 'record',
  'x-owner': 'billing',
}

test('keys come in one order, and nothing that the author wrote is lost', () => {
  expect(canonicalizeSchema(schema)).toBe(
    '{"name":"Order","namespace":"shop","type":"record","fields":[{"name":"m","type":{"type":"map","values":"int"},' +
      '"default":{"a":2,"b":1},"doc":"kept","order":"ignore"}],"aliases":["Old"],"x-owner":"billing"}',
  )
})

test('object, text and text with white space are one', () => {
  expect(canonicalizeSchema(JSON.stringify(schema, null, 4))).toBe(canonicalizeSchema(schema))
})

test('any JSON keeps its meaning, whatever the order of its keys', () => {
  const value = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true })
  fc.assert(
    fc.property(value, (json) => {
      const plain: unknown = JSON.parse(JSON.stringify(json))
      const text = canonicalizeSchema(json)
      expect(JSON.parse(text)).toEqual(plain)
      expect(canonicalizeSchema(Object.fromEntries(Object.entries(json).toReversed()))).toBe(text)
    }),
  )
})

test.each(['string', ' long\n', '"string"'])('%j is the name of a type', (text) => {
  expect(canonicalizeSchema(text)).toBe(JSON.stringify(text.trim().replaceAll('"', '')))
})

test('text that is not JSON is a SyntaxError', () => {
  expect(() => parseSchemaText('{')).toThrow(SyntaxError)
})
