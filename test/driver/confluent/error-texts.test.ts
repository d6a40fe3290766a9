import { describe, expect, test } from 'vitest'
import { numberOfErrorText } from '../../../src/driver/confluent/error-texts.ts'
import { isClassified } from '../../../src/driver/error-numbers.ts'

describe('background errors, which arrive as text', () => {
  test.each<[text: string, number: number]>([
    ['broker transport failure', -195],
    ['Local: Host resolution failure', -193],
    ['3/3 brokers are down: Local: All broker connections are down', -187],
    ['Local: SSL error', -181],
    ['Local: Authentication failure: SASL PLAIN', -169],
    ['Local: Fatal error', -150],
    ['something else', -1],
    ['', -1],
  ])('%j is number %i', (text, number) => {
    expect(numberOfErrorText(text)).toBe(number)
  })

  test('each number found by text is classified', () => {
    for (const text of ['transport failure', 'authentication failure', 'fatal error', 'none of them']) {
      expect(isClassified(numberOfErrorText(text))).toBe(true)
    }
  })
})
