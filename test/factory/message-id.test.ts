import { expect, test } from 'vitest'
import { createMessageIds } from '../../src/factory/message-id.ts'

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function timeOf(id: Buffer): number {
  return Number.parseInt(id.toString().replaceAll('-', '').slice(0, 12), 16)
}

test('ids are UUIDs of version 7 with the time of the send', () => {
  const before = Date.now()
  const id = createMessageIds()()
  expect(id.toString()).toMatch(version7)
  expect(timeOf(id)).toBeGreaterThanOrEqual(before)
  expect(timeOf(id)).toBeLessThanOrEqual(Date.now())
})

test('the example of RFC 9562 has its time at the same place', () => {
  const id = createMessageIds(() => 0x017f22e279b0)()
  expect(id.toString()).toMatch(/^017f22e2-79b0-7/)
})

test('each id is above the one before it: within a millisecond, when the counter is full, and when the clock goes back', () => {
  const times = [1_000_000, 999_999, 1_000_001]
  const ids: string[] = []
  let time = times[0]!
  const next = createMessageIds(() => time)
  for (time of times) {
    for (let count = 0; count < 10_000; count++) ids.push(next().toString())
  }
  expect(ids.filter((id, index) => index > 0 && id <= ids[index - 1]!)).toEqual([])
  for (const id of ids) expect(id).toMatch(version7)
})

test('what is random in them differs, also across fills and makers', () => {
  const [first, second] = [createMessageIds(() => 1), createMessageIds(() => 1)]
  const ids = Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? first : second)())
  expect(new Set(ids.map((id) => id.toString().slice(19))).size).toBe(2000)
})
