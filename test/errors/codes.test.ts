import { expect, test } from 'vitest'
import { errorCodes, type ErrorCodeEntry } from '../../src/errors/codes.ts'

const entries: [string, ErrorCodeEntry][] = Object.entries(errorCodes)

test.each(entries)('%s has a complete entry', (code, entry) => {
  expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
  expect(entry).toEqual({
    message: expect.stringMatching(/\S/),
    retriable: expect.any(Boolean),
    outcome: expect.stringMatching(/^(not_sent|unknown|rejected)$/),
    raised: expect.stringMatching(/\S/),
    remedy: expect.stringMatching(/\S.*\.$/),
  })
})

test.each(entries)('the text of %s reads as one sentence in docs/errors.md', (_, { raised }) => {
  expect(raised, 'completes "Raised when …", so it starts small and has no full stop').toMatch(/^(?![A-Z][a-z])\S/)
  expect(raised).not.toMatch(/\.$/)
})

test.each(entries)('the placeholders of %s are plain names, with every brace closed', (_, { message }) => {
  expect(message.replaceAll(/\{[a-zA-Z]+\}/g, '')).not.toMatch(/[{}]/)
})

test('two codes never share a message, so that a text found in a log leads to one code', () => {
  const messages = entries.map(([, { message }]) => message)
  expect(new Set(messages).size).toBe(messages.length)
})
