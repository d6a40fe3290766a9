import { expect, test } from 'vitest'
import { acceptValue } from '../../src/config/accept-value.ts'
import { Secret } from '../../src/config/secret.ts'
import { secretUrl, urls } from '../../src/config/url-field.ts'
import { catchError } from '../catch-error.ts'

const field = urls({ doc: 'Where.', alone: 'memory:', expected: 'a URL without user and password' })

test.each<[unknown, readonly string[] | undefined]>([
  ['memory:', ['memory:']],
  [['memory:'], ['memory:']],
  ['http://localhost:8081', ['http://localhost:8081']],
  [
    ['https://a.example.org/apis/ccompat/v7', 'https://b.example.org'],
    ['https://a.example.org/apis/ccompat/v7', 'https://b.example.org'],
  ],
  ['http://a:1, http://b:2', ['http://a:1', 'http://b:2']],
  [['http://a:1,http://b:2'], undefined],
  [['memory:', 'http://localhost'], undefined],
  ['memory:,http://localhost', undefined],
  [[], undefined],
  ['', undefined],
  ['localhost:8081', undefined],
  ['ftp://localhost', undefined],
  ['http://ada:pw@localhost', undefined],
  ['http://token@localhost', undefined],
  ['http://localhost/?token=x', undefined],
  ['http://localhost/#x', undefined],
  [5, undefined],
  [null, undefined],
])('%j gives %j', (value, expected) => {
  expect(field.accept(value)).toEqual(expected)
})

test('several in one environment variable', () => {
  expect(field.accept(field.parse('http://a:1, http://b:2'))).toEqual(['http://a:1', 'http://b:2'])
})

test('a password that was refused is not shown', () => {
  const error = catchError(() => acceptValue(field, 'http://ada:canary@localhost', 'schemaRegistry.url'))
  expect(error.message).toMatch(/schemaRegistry\.url cannot be \[redacted\]: expected a URL without user and password/)
  expect(error.message).not.toMatch(/canary/)
})

test('a URL that may hold a password is a secret', () => {
  const proxy = secretUrl({ doc: 'Through what.' })
  expect(proxy.secret).toBe(true)
  expect(proxy.accept('http://ada:pw@proxy:3128')?.reveal()).toBe('http://ada:pw@proxy:3128')
  expect(proxy.accept(new Secret('https://proxy'))?.reveal()).toBe('https://proxy')
  expect(['socks5://proxy', 'proxy:3128', '', 5].map(proxy.accept)).toEqual(Array(4).fill(undefined))
})
