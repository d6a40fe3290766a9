import { expect, test } from 'vitest'
import { inlineDependencies, inlineReferences, namesUsedBy } from '../../src/encoding/inline-references.ts'

const address = { type: 'record', name: 'Address', namespace: 'geo', fields: [{ name: 'city', type: 'string' }] }
const inline = (schema: unknown, referenced: Record<string, unknown>): unknown =>
  JSON.parse(
    inlineReferences(
      JSON.stringify(schema),
      new Map(Object.entries(referenced).map(([name, value]) => [name, JSON.stringify(value)])),
    ),
  )

test('without references the text stays as it is', () => {
  expect(inlineReferences('{ "type" : "int" }', new Map())).toBe('{ "type" : "int" }')
})

test.each([
  ['a field', { type: 'record', name: 'A', fields: [{ name: 'a', type: 'geo.Address' }] }],
  ['a union', ['null', 'geo.Address']],
  ['an array', { type: 'array', items: 'geo.Address' }],
  ['a map', { type: 'map', values: 'geo.Address' }],
  ['a type in braces', { type: 'geo.Address' }],
  [
    'the namespace around it',
    { type: 'record', name: 'A', namespace: 'geo', fields: [{ name: 'a', type: 'Address' }] },
  ],
])('a reference in %s is written out', (_, schema) => {
  const expected = JSON.stringify(schema).replace(/"(geo\.)?Address"/, JSON.stringify(address))
  expect(inline(schema, { 'geo.Address': address })).toEqual(JSON.parse(expected))
})

test('only the first use is written out, since a name is defined once', () => {
  expect(inline(['geo.Address', { type: 'array', items: 'geo.Address' }], { 'geo.Address': address })).toEqual([
    address,
    { type: 'array', items: 'geo.Address' },
  ])
})

test('two references that hold the same type define it once', () => {
  const left = { type: 'record', name: 'Left', fields: [{ name: 'a', type: address }] }
  const right = { type: 'record', name: 'Right', fields: [{ name: 'a', type: address }] }
  const namedOnly = { ...right, namespace: '', fields: [{ name: 'a', type: 'geo.Address' }] }
  expect(inline(['Left', 'Right'], { Left: left, Right: right })).toEqual([{ ...left, namespace: '' }, namedOnly])
})

test('a definition without namespace does not take the one around it', () => {
  const plain = { type: 'enum', name: 'Color', symbols: ['RED'] }
  const used = { type: 'array', items: ['null', 'Color'] }
  expect(inline(used, { Color: plain })).toEqual({ type: 'array', items: ['null', { ...plain, namespace: '' }] })
})

test('primitives and unknown names stay', () => {
  expect(inline(['string', 'other.Name'], { 'geo.Address': address })).toEqual(['string', 'other.Name'])
})

test('dependencies of dependencies are written out where they are used first', () => {
  const street = { type: 'enum', name: 'Street', namespace: 'geo', symbols: ['MAIN'] }
  const used = { ...address, fields: [{ name: 'street', type: 'Street' }] }
  const inner = [{ name: 'geo.Street', subject: 's', schema: JSON.stringify(street), references: [] }]
  const outer = [{ name: 'geo.Address', subject: 'a', schema: JSON.stringify(used), references: inner }, ...inner]
  expect(JSON.parse(inlineDependencies('["geo.Address","geo.Street"]', outer))).toEqual([
    { ...used, fields: [{ name: 'street', type: street }] },
    'geo.Street',
  ])
})

test('names that are used and not defined are told in full', () => {
  const schema = {
    type: 'record',
    name: 'A',
    namespace: 'geo',
    fields: [{ name: 'a', type: ['null', 'Address', 'A'] }],
  }
  expect([...namesUsedBy(JSON.stringify([schema, 'geo.A', 'other.B', 'string']))]).toEqual(['geo.Address', 'other.B'])
})
