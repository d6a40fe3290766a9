import { expect, test } from 'vitest'
import { describeSchemaDifference } from '../../src/cli/schema-difference.ts'

const difference = (before: unknown, after: unknown): string[] =>
  describeSchemaDifference(JSON.stringify(before), JSON.stringify(after))
const record = (...fields: object[]): object => ({ type: 'record', name: 'A', fields })
const field = (name: string, type: unknown, more: object = {}): object => ({ name, type, ...more })

test.each<[string, unknown, unknown]>([
  ['keys in another order', { type: 'fixed', name: 'A', size: 2 }, { size: 2, name: 'A', type: 'fixed' }],
  ['a primitive in its long form', record(field('a', 'int')), record(field('a', { type: 'int' }))],
  [
    'a namespace in the name',
    { type: 'enum', name: 'n.A', symbols: [] },
    { type: 'enum', namespace: 'n', name: 'A', symbols: [] },
  ],
])('%s makes no difference', (_, before, after) => {
  expect(difference(before, after)).toEqual([])
})

test.each<[string, unknown, unknown, string[]]>([
  ['a new field', record(), record(field('a', 'long', { default: 0 })), ['+ a: long (default 0)']],
  ['a field that is gone', record(field('a', ['null', 'string'])), record(), ['- a: null | string (no default)']],
  ['another type', record(field('a', 'int')), record(field('a', 'string')), ['~ a: int -> string']],
  ['another default', record(field('a', 'int')), record(field('a', 'int', { default: 1 })), ['~ a default: none -> 1']],
  [
    'another name',
    { type: 'fixed', name: 'A', size: 2 },
    { type: 'fixed', name: 'B', size: 2 },
    ['~ schema name: "A" -> "B"'],
  ],
  [
    'deeper',
    record(field('a', { type: 'array', items: record(field('b', 'int')) })),
    record(
      field('a', { type: 'array', items: record(field('b', 'long'), field('c', { type: 'map', values: 'int' })) }),
    ),
    ['+ a.<items>.c: map of int (no default)', '~ a.<items>.b: int -> long'],
  ],
  [
    'symbols',
    { type: 'enum', name: 'A', symbols: ['X', 'Y'] },
    { type: 'enum', name: 'A', symbols: ['Y', 'Z'] },
    ['- X: symbol', '+ Z: symbol'],
  ],
  [
    'symbols in another order',
    { type: 'enum', name: 'A', symbols: ['X', 'Y'] },
    { type: 'enum', name: 'A', symbols: ['Y', 'X'] },
    ['~ schema: its symbols are in another order'],
  ],
  [
    'fields in another order',
    record(field('a', 'int'), field('b', 'int')),
    record(field('b', 'int'), field('a', 'int')),
    ['~ fields in another order: a, b -> b, a'],
  ],
  [
    'a logical type',
    record(field('at', 'long')),
    record(field('at', { type: 'long', logicalType: 'timestamp-millis' })),
    ['~ at: long -> long (timestamp-millis)'],
  ],
  ['a whole schema of another kind', 'int', record(), ['~ schema: int -> record A']],
  ['branches of a union', ['null', 'int'], ['null', 'long'], ['~ schema: null | int -> null | long']],
])('%s is told', (_, before, after, lines) => {
  expect(difference(before, after).sort()).toEqual([...lines].sort())
})
