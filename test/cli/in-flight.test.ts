import { expect, test } from 'vitest'
import { InFlight } from '../../src/cli/in-flight.ts'

function createWork(count: number) {
  return Array.from({ length: count }, () => Promise.withResolvers<void>())
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => (settled = true))
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  return settled
}

test('nothing under way is nothing to wait for', async () => {
  await new InFlight().downTo(0)
})

test('waits until few enough are under way, however each of them ends', async () => {
  const inFlight = new InFlight()
  const work = createWork(3)
  for (const { promise } of work) inFlight.add(promise)
  await inFlight.downTo(3)
  const down = inFlight.downTo(1)
  work[2]!.resolve()
  expect(await isSettled(down)).toBe(false)
  work[0]!.reject(new Error('failed'))
  await down
})

test('can be waited for again and again, and takes more work in between', async () => {
  const inFlight = new InFlight()
  for (let round = 0; round < 3; round++) {
    const work = createWork(2)
    for (const { promise } of work) inFlight.add(promise)
    const down = inFlight.downTo(0)
    work[0]!.resolve()
    expect(await isSettled(down)).toBe(false)
    work[1]!.resolve()
    await down
  }
})
