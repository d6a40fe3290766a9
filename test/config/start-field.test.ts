import { describe, expect, test } from 'vitest'
import { partitionChoice, startPosition } from '../../src/config/start-field.ts'

const doc = 'What it does.'
const at = 1_793_520_000_000

describe('where to start', () => {
  const field = startPosition({ doc, default: 'earliest' })

  test.each<[unknown, unknown]>([
    ['earliest', 'earliest'],
    ['latest', 'latest'],
    [new Date(at), { timestamp: at }],
    [{ timestamp: at }, { timestamp: at }],
    [{ timestamp: new Date(at) }, { timestamp: at }],
    [{ timestamp: '2026-11-01T08:00:00Z' }, { timestamp: at }],
    ['2026-11-01T08:00:00Z', { timestamp: at }],
    ['2026-11-01T09:00:00.000+01:00', { timestamp: at }],
    ['2026-11-01', { timestamp: at - 8 * 3_600_000 }],
    ['PT1H', { agoMs: 3_600_000 }],
    ['P1DT2H3M4.5S', { agoMs: 93_784_500 }],
    [{ agoMs: 5 }, { agoMs: 5 }],
    [{ offsets: [7, 9] }, { offsets: { 0: 7, 1: 9 } }],
    [{ offsets: { 3: 7 } }, { offsets: { 3: 7 } }],
  ])('%j is taken', (given, expected) => {
    const accepted = field.accept(given)
    expect(accepted).toEqual(expected)
    expect(Object.isFrozen(accepted)).toBe(true)
  })

  test.each<[unknown]>([
    ['first'],
    ['2026-11-01T08:00:00'],
    ['2026-13-01'],
    ['P'],
    ['PT'],
    ['1H'],
    [5],
    [null],
    [new Date(Number.NaN)],
    [{}],
    [{ timestamp: -1 }],
    [{ timestamp: 1, agoMs: 1 }],
    [{ agoMs: -1 }],
    [{ offsets: {} }],
    [{ offsets: [-1] }],
    [{ offsets: { orders: 1 } }],
    [{ offset: 1 }],
  ])('%j is refused', (given) => {
    expect(field.accept(given)).toBeUndefined()
  })

  test('in the environment texts are as they are, objects are JSON', () => {
    expect(field.accept(field.parse('PT30S'))).toEqual({ agoMs: 30_000 })
    expect(field.accept(field.parse('{"offsets":{"2":5}}'))).toEqual({ offsets: { 2: 5 } })
    expect(field.accept(field.parse('{"offsets'))).toBeUndefined()
  })
})

describe('partitions', () => {
  const field = partitionChoice({ doc })

  test.each<[unknown, unknown]>([
    ['all', 'all'],
    [
      [0, 4, 0],
      [0, 4],
    ],
    [
      { orders: [1], bills: 'all' },
      { orders: [1], bills: 'all' },
    ],
  ])('%j are taken', (given, expected) => {
    expect(field.accept(given)).toEqual(expected)
  })

  test.each<[unknown]>([
    ['some'],
    [[]],
    [[-1]],
    [[1.5]],
    [['1']],
    [{}],
    [{ orders: [] }],
    [{ orders: 'some' }],
    [null],
    [3],
  ])('%j are refused', (given) => {
    expect(field.accept(given)).toBeUndefined()
  })

  test.each<[string, unknown]>([
    ['all', 'all'],
    ['3', [3]],
    ['0, 4-6', [0, 4, 5, 6]],
    ['{"orders":[1]}', { orders: [1] }],
    ['6-4', undefined],
    ['0-4000000000', undefined],
    ['x', undefined],
  ])('in the environment as %s', (text, expected) => {
    expect(field.accept(field.parse(text))).toEqual(expected)
  })
})
