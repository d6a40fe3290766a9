import { expect, test } from 'vitest'
import { resolvePartitions } from '../../src/factory/resolve-partitions.ts'
import { catchError } from '../catch-error.ts'

const topics = ['dev.a', 'dev.b']
const resolve = (
  partitions: Parameters<typeof resolvePartitions>[1]['partitions'],
  of: readonly (string | RegExp)[] = topics,
) => resolvePartitions('Orders', { partitions }, of, 'dev.')

test('nothing is named: the group decides', () => {
  expect(resolve(undefined)).toBeUndefined()
})

test.each([
  ['all of each topic', 'all', { 'dev.a': 'all', 'dev.b': 'all' }],
  ['the same of each topic', [0, 1], { 'dev.a': [0, 1], 'dev.b': [0, 1] }],
  ['by topic, as it was declared or with its prefix', { a: [3], 'dev.b': 'all' }, { 'dev.a': [3], 'dev.b': 'all' }],
] as const)('%s', (_name, given, expected) => {
  expect(Object.fromEntries(resolve(given)!)).toEqual(expected)
})

test.each([
  ['no topic of it', { a: [0], b: [0], c: [0] }, topics, /partitions name c, which is no topic of it/],
  ['not every topic', { a: [0] }, topics, /partitions say nothing about dev.b/],
  ['a pattern', 'all', [/^dev/], /partitions need topics by name/],
] as const)('%s is refused', (_name, given, of, message) => {
  expect(catchError(() => resolve(given, of))).toMatchObject({
    code: 'MANIFEST_INVALID',
    manifest: 'Orders',
    message: expect.stringMatching(message),
  })
})
