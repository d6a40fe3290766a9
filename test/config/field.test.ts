import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  choice,
  flag,
  fraction,
  integer,
  integers,
  list,
  passedIn,
  passThrough,
  positive,
  secret,
  text,
} from '../../src/config/field.ts'
import { Secret } from '../../src/config/secret.ts'

const doc = 'What it does.'

describe('text', () => {
  test('takes any string; with a pattern only what matches all of it', () => {
    const prefix = text({ doc, pattern: /^[a-z.]*$/, expected: 'small letters' })
    expect(text({ doc }).accept('Ünïcödé')).toBe('Ünïcödé')
    expect(text({ doc }).accept(5)).toBeUndefined()
    expect([prefix.accept('a.b'), prefix.accept('A'), prefix.type]).toEqual(['a.b', undefined, 'small letters'])
  })
})

describe('integer', () => {
  const port = integer({ doc, min: 1, max: 10, unit: 'ms' })

  test('takes whole numbers in its range, the ends included', () => {
    expect([1, 10].map(port.accept)).toEqual([1, 10])
    expect([0, 11, 1.5, '5', 5n, Number.NaN, Infinity, null, true].map(port.accept)).toEqual(Array(9).fill(undefined))
  })

  test('without a maximum still refuses what no number holds exactly', () => {
    const bytes = integer({ doc, min: 0, unit: 'bytes' })
    expect(bytes.accept(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
    expect(bytes.accept(2 ** 53)).toBeUndefined()
    expect(bytes.type).toBe('an integer from 0 (bytes)')
  })

  test('reads numbers from the environment, and leaves what is none for accept to refuse', () => {
    expect(port.parse('5')).toBe(5)
    expect(port.parse('five')).toBe('five')
    expect(port.parse(' ')).toBe(' ')
  })
})

describe('integers', () => {
  const waits = integers({ doc, min: 1, max: 10, most: 3, unit: 'ms' })

  test('takes a list of whole numbers in their range, also an empty one', () => {
    expect([[], [1, 10, 5]].map(waits.accept)).toEqual([[], [1, 10, 5]])
    expect([[0], [1, 2, 3, 4], [1.5], ['1'], 5, null].map(waits.accept)).toEqual(Array(6).fill(undefined))
    expect(waits.type).toBe('a list of up to 3 integers from 1 to 10 (ms)')
  })

  test('reads them from the environment, separated by commas', () => {
    expect(['1,5', '7', ' ', '1,x'].map(waits.parse)).toEqual([[1, 5], [7], [], [1, 'x']])
  })
})

describe('flag', () => {
  test('takes booleans only; in the environment true, false, 1 and 0 in any case', () => {
    const field = flag({ doc })
    expect([true, false, 1, 'true', null].map(field.accept)).toEqual([true, false, undefined, undefined, undefined])
    expect(['true', 'FALSE', '1', '0', 'yes'].map(field.parse)).toEqual([true, false, true, false, 'yes'])
  })
})

describe('choice', () => {
  test('takes one of its values and tells 1 from "1"; the environment names them by text', () => {
    const acks = choice(['all', 0, 1] as const, { doc })
    expect(['all', 0, 1, '1', 'All', undefined].map(acks.accept)).toEqual([
      'all',
      0,
      1,
      undefined,
      undefined,
      undefined,
    ])
    expect(['all', '0', '1', '2'].map(acks.parse)).toEqual(['all', 0, 1, '2'])
    expect(acks.type).toBe('one of all, 0, 1')
  })
})

describe('list', () => {
  const letters = list({ doc, pattern: /^[a-z]$/, expected: 'letters' })

  test('takes a list of matching strings, frozen, and not an empty one', () => {
    const accepted = letters.accept(['a', 'b'])
    expect(accepted).toEqual(['a', 'b'])
    expect(Object.isFrozen(accepted)).toBe(true)
    expect([[], ['a', 'B'], ['a', 1], 'a', { 0: 'a', length: 1 }].map(letters.accept)).toEqual(Array(5).fill(undefined))
  })

  test('is separated by commas in the environment, with blanks allowed around them', () => {
    expect(letters.parse('a, b ,c')).toEqual(['a', 'b', 'c'])
  })
})

describe('secret', () => {
  test('wraps a string, keeps a Secret, refuses nothing at all', () => {
    const field = secret({ doc })
    const given = new Secret('x')
    expect(field.accept(given)).toBe(given)
    expect(field.accept('y')?.reveal()).toBe('y')
    expect(['', null, 5, {}].map(field.accept)).toEqual(Array(4).fill(undefined))
  })
})

test('passedIn takes what has the methods, as it is, and nothing from the environment', () => {
  const field = passedIn<{ notify(): void }>({ doc, methods: ['notify'], expected: 'an object with notify()' })
  const given = { notify() {} }
  const callable = Object.assign(() => {}, { notify() {} })
  expect(field.accept(given)).toBe(given)
  expect(field.accept(callable)).toBe(callable)
  expect([{}, { notify: 1 }, null, 'notify', 5].map(field.accept)).toEqual(Array(5).fill(undefined))
  expect(field).toMatchObject({ env: false, secret: true, type: 'an object with notify()' })
})

test('fraction takes numbers from 0 to 1, from the environment too', () => {
  const field = fraction({ doc, default: 1 })
  expect([0, 0.1, 1].map(field.accept)).toEqual([0, 0.1, 1])
  expect([-0.1, 1.1, Number.NaN, '1', null].map(field.accept)).toEqual(Array(5).fill(undefined))
  expect([field.parse('0.25'), field.parse('a lot'), field.parse('')]).toEqual([0.25, 'a lot', ''])
})

test('positive takes numbers above 0, from the environment too', () => {
  const field = positive({ doc, unit: 'messages per second' })
  expect([0.5, 1, 1e6].map(field.accept)).toEqual([0.5, 1, 1e6])
  expect([0, -1, Number.NaN, Infinity, '1', null].map(field.accept)).toEqual(Array(6).fill(undefined))
  expect([field.parse('0.5'), field.type]).toEqual([0.5, 'a number above 0 (messages per second)'])
})

describe('passThrough', () => {
  const field = passThrough({ doc, default: {} })

  test('takes objects of strings, numbers, booleans and secrets, frozen', () => {
    const accepted = field.accept({ a: 'x', b: 1, c: false, d: undefined, e: new Secret('s') })
    expect(accepted).toMatchObject({ a: 'x', b: 1, c: false })
    expect(Object.keys(accepted!)).toEqual(['a', 'b', 'c', 'e'])
    expect(Object.isFrozen(accepted)).toBe(true)
    expect([null, [], 'x', { a: null }, { a: {} }, { a: [] }].map(field.accept)).toEqual(Array(6).fill(undefined))
  })

  test.each([
    'sasl.password',
    'ssl.key.password',
    'ssl.keystore.password',
    'ssl.key.pem',
    'sasl.oauthbearer.client.secret',
    'sasl.oauthbearer.client.credentials.client.secret',
    'sasl.oauthbearer.config',
    'sasl.oauthbearer.assertion.private.key.pem',
    'sasl.oauthbearer.assertion.private.key.passphrase',
    'sasl.jaas.config',
    'SASL.Password',
    'apiToken',
  ])('makes %s a secret by its name', (name) => {
    const accepted = field.accept({ [name]: 'canary', 'client.rack': 'visible' })
    expect(inspect(accepted)).not.toContain('canary')
    expect(inspect(accepted)).toContain('visible')
    expect((accepted![name] as Secret).reveal()).toBe('canary')
  })

  test('reads JSON from the environment, and leaves what is none for accept to refuse', () => {
    expect(field.parse('{"a":1}')).toEqual({ a: 1 })
    expect(field.accept(field.parse('{a:1}'))).toBeUndefined()
  })
})
