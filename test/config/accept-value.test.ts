import { expect, test } from 'vitest'
import { acceptValue, hintFor, invalidValue } from '../../src/config/accept-value.ts'
import { integer, list, passThrough, secret, text } from '../../src/config/field.ts'
import { catchError } from '../catch-error.ts'

const number = integer({ min: 1, max: 9, unit: 'ms', doc: '' })

test('an acceptable value comes back resolved', () => {
  expect(acceptValue(number, 5, 'x')).toBe(5)
})

test('a refused value is named together with its path and what is expected', () => {
  const error = catchError(() => acceptValue(number, 'soon', 'producer.lingerMs'))
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toBe('Config field producer.lingerMs cannot be "soon": expected an integer from 1 to 9 (ms).')
})

const cycle: { self?: unknown } = {}
cycle.self = cycle
test.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  [7n, '7n'],
  [Number.NaN, 'NaN'],
  [Symbol('s'), 'Symbol(s)'],
  [() => 1, '[Function (anonymous)]'],
  [{ a: [1] }, '{ a: [ 1 ] }'],
  ['x'.repeat(200), `"${'x'.repeat(76)}…`],
  [[7n], '[ 7n ]'],
  [cycle, '<ref *1> { self: [Circular *1] }'],
])('%o is shown in a form that fits a message', (value, shown) => {
  expect(invalidValue(number, value, 'x').message).toContain(`cannot be ${shown}: expected`)
})

test.each([
  ['a secret', secret({ doc: '' }), ['canary-1'] as unknown],
  ['a pass-through object', passThrough({ default: {}, doc: '' }), { 'sasl.password': 'canary-1', bad: null }],
])('the value of %s stays out of the message', (_, field, value) => {
  const error = catchError(() => acceptValue(field, value, 'x'))
  expect(error.message).toContain('cannot be [redacted]: expected')
  expect(error.stack).not.toContain('canary')
})

test('what is expected can be said better where two fields contradict each other', () => {
  expect(invalidValue(text({ doc: '' }), 'a', 'x', 'something else').message).toContain('expected something else')
})

test('a hint names the nearest candidate, or all when none is near', () => {
  expect(hintFor('brokerz', ['brokers', 'driver'])).toBe(' Did you mean brokers?')
  expect(hintFor('qqqqqqqq', ['brokers', 'driver'])).toBe(' Known here: brokers, driver.')
})

test('a list is copied, so that changing it afterwards changes nothing', () => {
  const brokers = ['a:1']
  const accepted = acceptValue(list({ pattern: /./, expected: 'x', doc: '' }), brokers, 'brokers')
  brokers.push('b:2')
  expect(accepted).toEqual(['a:1'])
})
