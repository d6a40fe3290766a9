import { expect, test } from 'vitest'
import { readArguments } from '../../../benchmarks/compare/read-arguments.ts'

test('a full run has five rounds, and writes down what it finds', () => {
  expect(readArguments([])).toMatchObject({
    only: [],
    rounds: 5,
    messages: 10_000_000,
    isQuick: false,
    isRecording: true,
    isChecking: false,
  })
})

test('a run of a part leaves the recorded results alone, unless told otherwise', () => {
  expect(readArguments(['--quick'])).toMatchObject({ isQuick: true, isRecording: false, rounds: 2 })
  expect(readArguments(['--only', 'a,b', '--only', 'c'])).toMatchObject({ only: ['a', 'b', 'c'], isRecording: false })
  expect(readArguments(['--clients', 'raw'])).toMatchObject({ clients: ['raw'], isRecording: false })
  expect(readArguments(['--quick', '--record', '--rounds', '7'])).toMatchObject({ isRecording: true, rounds: 7 })
})

test('what makes no sense is refused', () => {
  expect(() => readArguments(['--rounds', 'many'])).toThrow('--rounds takes a whole number from 1, not many')
  expect(() => readArguments(['--fast'])).toThrow('--fast')
})
