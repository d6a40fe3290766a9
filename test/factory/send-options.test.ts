import { expect, expectTypeOf, test } from 'vitest'
import {
  checkSendOptions,
  encodePartition,
  encodeTimestamp,
  invalidOption,
  type SendManyOptions,
  type SendOptions,
} from '../../src/factory/send-options.ts'
import { catchError } from '../catch-error.ts'

test('every known option is let through', () => {
  const options = { key: 'a', headers: {}, partition: 0, timestamp: 1, signal: new AbortController().signal }
  expect(() => checkSendOptions(options, 'M')).not.toThrow()
  expect(() => checkSendOptions({}, 'M')).not.toThrow()
})

test('an unknown option is named, with those there are', () => {
  const error = catchError(() => checkSendOptions({ timeout: 5 } as SendOptions, 'M'))
  expect(error).toMatchObject({ code: 'SEND_OPTION_INVALID', manifest: 'M', outcome: 'not_sent' })
  expect(error.message).toBe(
    'Send option timeout of M: expected one of key, headers, partition, timestamp, signal, timeoutMs, got an unknown option.',
  )
})

test.each([
  [new AbortController(), 'AbortController'],
  [true, 'boolean'],
  [null, 'null'],
])('%o is no signal', (signal, actual) => {
  const error = catchError(() => checkSendOptions({ signal } as unknown as SendOptions, 'M'))
  expect(error.message).toBe(`Send option signal of M: expected an AbortSignal, got ${actual}.`)
})

test('a partition is a whole number from 0; without one the partitioner chooses', () => {
  expect([0, 7, 0x7fffffff].map((partition) => encodePartition(partition, 'M'))).toEqual([0, 7, 0x7fffffff])
  expect(encodePartition(undefined, 'M')).toBe(-1)
})

test.each<[unknown, string]>([
  [-1, '-1'],
  [1.5, '1.5'],
  [2 ** 31, '2147483648'],
  [Number.NaN, 'NaN'],
  ['1', 'string'],
  [null, 'null'],
])('%o is no partition', (partition, actual) => {
  const error = catchError(() => encodePartition(partition as number, 'M'))
  expect(error.message).toBe(`Send option partition of M: expected an integer from 0, got ${actual}.`)
})

test('a timestamp is whole milliseconds or a Date; without one it is the time of the send', () => {
  expect(encodeTimestamp(1234, 'M')).toBe(1234)
  expect(encodeTimestamp(new Date(5678), 'M')).toBe(5678)
  expect(encodeTimestamp(undefined, 'M')).toBe(0)
})

test.each<[unknown, string]>([
  [0, '0'],
  [new Date(0), '0'],
  [-5, '-5'],
  [1.5, '1.5'],
  [new Date('nonsense'), 'NaN'],
  ['2020-01-01', 'string'],
  [5n, 'bigint'],
  [null, 'null'],
])('%o is no timestamp', (timestamp, actual) => {
  const error = catchError(() => encodeTimestamp(timestamp as number, 'M'))
  expect(error.code).toBe('SEND_OPTION_INVALID')
  expect(error.message).toMatch(new RegExp(`or a valid Date, got ${actual}\\.$`))
})

test('the error names the manifest in its fields too', () => {
  expect(invalidOption('M', 'x', 'y', 'z')).toMatchObject({ code: 'SEND_OPTION_INVALID', manifest: 'M' })
})

test('one key for many messages is no option of sendMany', () => {
  expectTypeOf<SendManyOptions>().not.toHaveProperty('key')
})
