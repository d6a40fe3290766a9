import { describe, expect, test } from 'vitest'
import { LingerChoice, lingerSteps } from '../../../src/driver/confluent/linger-choice.ts'

/** Readings of a constant load. */
function read(choice: LingerChoice, underWay: number, readings: number): number {
  for (let reading = 0; reading < readings; reading++) {
    for (let message = 0; message < 10; message++) choice.note(underWay)
    choice.decide()
  }
  return lingerSteps[choice.step]!.lingerMs
}

describe('LingerChoice', () => {
  test.each([
    [1, 0],
    [20, 0],
    [100, 0.2],
    [1000, 1],
  ])('with %i messages under way a message lingers for %d ms', (underWay, lingerMs) => {
    expect(read(new LingerChoice(), underWay, 10)).toBe(lingerMs)
  })

  test('one reading is not enough to climb', () => {
    const choice = new LingerChoice()
    expect(read(choice, 1000, 1)).toBe(0)
    read(choice, 1, 1)
    expect(read(choice, 1000, 1)).toBe(0)
    expect(read(choice, 1000, 1)).toBe(1)
  })

  test('a load a little below the one that was climbed at stays', () => {
    const choice = new LingerChoice()
    read(choice, 300, 2)
    expect(read(choice, 200, 100)).toBe(1)
    expect(read(choice, 100, 1)).toBe(0.2)
    expect(read(choice, 1, 1)).toBe(0)
  })

  test('silence goes back to no lingering, and says that nothing came', () => {
    const choice = new LingerChoice()
    read(choice, 1000, 2)
    expect(choice.decide()).toBe(false)
    expect(choice.step).toBe(0)
    choice.note(1)
    expect(choice.decide()).toBe(true)
  })
})
