import * as fc from '../fast-check.ts'
import { describe, expect, test } from 'vitest'
import {
  bytesToUuid,
  dateToDays,
  daysToDate,
  isUuid,
  localToUnits,
  unitsToLocal,
  uuidToBytes,
} from '../../src/encoding/calendar.ts'

describe('dates', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2024-02-29', 19782],
    ['0000-01-01', -719528],
    ['+275760-09-13', 100_000_000],
  ])('%s is day %i', (text, days) => {
    expect(dateToDays(text)).toBe(days)
    expect(daysToDate(days)).toBe(text)
  })
  test('every day comes back', () => {
    fc.assert(fc.property(fc.integer({ min: -1e8, max: 1e8 }), (days) => dateToDays(daysToDate(days)) === days))
  })
  test.each(['2026-02-30', '2026-13-01', '2026-1-1', '2026-01-01T00:00', '', 5, null, new Date()])(
    '%s is none',
    (value) => expect(dateToDays(value)).toBeUndefined(),
  )
  test('beyond Date there is no text', () => expect(() => daysToDate(100_000_001)).toThrow(RangeError))
})

describe('local date and time', () => {
  test.each([
    ['1970-01-01T00:00:00.000', 3, 0n],
    ['1969-12-31T23:59:59.999999', 6, -1n],
    ['2026-01-02T03:04:05.000001', 6, 1767323045000001n],
    ['2026-01-02T03:04:05.000000001', 9, 1767323045000000001n],
  ])('%s with %i digits is %s', (text, digits, units) => {
    expect(localToUnits(text, digits)).toBe(units)
    expect(unitsToLocal(units, digits)).toBe(text)
  })
  test('fewer digits are filled up', () => expect(localToUnits('1970-01-01T00:00:01.5', 6)).toBe(1_500_000n))
  test.each([
    '1970-01-01T24:00:00',
    '1970-02-30T00:00:00',
    '1970-01-01T00:00:00Z',
    '1970-01-01T00:00:00.1234',
    '1970-01-01',
    '+200000-01-01T00:00:00.000000000',
    0n,
  ])('%s is none', (value) =>
    expect(localToUnits(value, value === '+200000-01-01T00:00:00.000000000' ? 9 : 3)).toBeUndefined(),
  )
})

test('a UUID is its 16 bytes', () => {
  fc.assert(fc.property(fc.uuid(), (uuid) => bytesToUuid(uuidToBytes(uuid)) === uuid))
  expect([isUuid('a'), isUuid(5), isUuid('00000000-0000-0000-0000-00000000000g')]).toEqual([false, false, false])
  expect(isUuid('A0000000-0000-4000-8000-000000000000')).toBe(true)
})
