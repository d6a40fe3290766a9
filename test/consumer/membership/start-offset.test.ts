import { expect, test } from 'vitest'
import { startOffset } from '../../../src/consumer/membership/start-offset.ts'

test.each([
  ['the first', 'earliest', 'earliest'],
  ['the end', 'latest', 'latest'],
  ['a time', { timestamp: 500 }, { timestamp: 500 }],
  ['a time before the run began', { agoMs: 400 }, { timestamp: 600 }],
  ['not before 1970', { agoMs: 4_000 }, { timestamp: 0 }],
  ['an offset', { offsets: { 2: 7 } }, 7],
  ['an offset of other partitions', { offsets: { 1: 7 } }, undefined],
] as const)('%s', (_name, startFrom, expected) => {
  expect(startOffset(startFrom, 2, 1_000)).toEqual(expected)
})
