import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'

const canary = 'canary-5f0c'
const secret = new Secret(canary)
// As a template sees it that is not checked by types.
const untyped = secret as unknown as string

test('the value comes out of reveal() unchanged', () => {
  expect(secret.reveal()).toBe(canary)
})

test.each<[way: string, text: string]>([
  ['a template string', `<${untyped}>`],
  ['concatenation', 'x' + untyped],
  ['JSON', JSON.stringify({ deep: [{ secret }] })],
  ['inspect', inspect({ deep: [{ secret }] }, { depth: 9 })],
  ['inspect of everything hidden', inspect(secret, { showHidden: true, customInspect: false, getters: true })],
  ['format', format('%s %o %O %j %d', secret, secret, secret, secret, secret)],
  ['its properties', JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret), Object.assign({}, secret)])],
  ['a structured clone', inspect(structuredClone(secret))],
  ['an error', inspect(new Error(String(secret), { cause: secret }))],
])('%s does not show it', (_, text) => {
  expect(text).not.toContain(canary)
})

test('what is shown says that there is something', () => {
  expect(`${untyped} ${JSON.stringify(secret)} ${inspect(secret)}`).toBe('[redacted] "[redacted]" [redacted]')
})
