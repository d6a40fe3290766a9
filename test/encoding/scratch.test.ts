import { expect, test } from 'vitest'
import { writeToScratch } from '../../src/encoding/scratch.ts'

/** Writes `text` as avsc does: past the end nothing is written, and the missing bytes come back negative. */
function writer(text: string, calls: number[] = []): (buffer: Buffer) => number {
  return (buffer) => {
    calls.push(buffer.length)
    const missing = Buffer.byteLength(text) - buffer.length
    return missing > 0 ? -missing : buffer.write(text)
  }
}

test('what is written comes back, no more and no less', () => {
  expect(String(writeToScratch(writer('hello')))).toBe('hello')
  expect(writeToScratch(writer(''))).toHaveLength(0)
})

test('everybody writes into the same buffer: bytes are valid until the next call', () => {
  const first = writeToScratch(writer('first'))
  const second = writeToScratch(writer('other'))
  expect(second.buffer).toBe(first.buffer)
  expect(String(first)).toBe('other')
})

test('a buffer too short grows once, by what is missing or to the double, and stays', () => {
  const calls: number[] = []
  const before = writeToScratch(() => 0).buffer.byteLength
  const text = 'x'.repeat(before + 1)
  expect(String(writeToScratch(writer(text, calls)))).toBe(text)
  expect(calls).toEqual([before, 2 * before])
  expect(writeToScratch(() => 0).buffer.byteLength).toBe(2 * before)
})

test('one large message does not hold its memory for ever', () => {
  const before = writeToScratch(() => 0).buffer.byteLength
  const text = 'x'.repeat(5_000_000)
  expect(writeToScratch(writer(text))).toHaveLength(5_000_000)
  expect(writeToScratch(() => 0).buffer.byteLength).toBe(before)
})

test('the buffer is its own and not a slice of the pool that other code shares', () => {
  const bytes = writeToScratch(writer('x'))
  expect(bytes.byteOffset).toBe(0)
  expect(bytes.buffer.byteLength).toBeGreaterThanOrEqual(16 * 1024)
})
