import { expect, test } from 'vitest'
import { describeType } from '../../src/encoding/codec.ts'

class Order {
  readonly id = 'canary'
}

test.each<[value: unknown, name: string]>([
  [null, 'null'],
  [undefined, 'undefined'],
  ['text', 'string'],
  [5, 'number'],
  [5n, 'bigint'],
  [true, 'boolean'],
  [Symbol('s'), 'symbol'],
  [() => 1, 'function'],
  [[1], 'array'],
  [{ a: 1 }, 'object'],
  [Object.create(null), 'object'],
  [new Order(), 'Order'],
  [new Date(), 'Date'],
  [Buffer.from('x'), 'Buffer'],
  [
    new (class {
      readonly id = 1
    })(),
    'object',
  ],
])('%o is described as %s', (value, name) => {
  expect(describeType(value)).toBe(name)
})

test('nothing that the value itself says gets into the description', () => {
  expect(describeType({ constructor: { name: 'canary' } })).toBe('object')
  expect(describeType(JSON.parse('{"constructor":{"name":"canary"},"__proto__":{"a":1}}'))).toBe('object')
})
