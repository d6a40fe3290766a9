import { expect, test } from 'vitest'
import { WorkerSlots } from '../../../src/consumer/partition/worker-slots.ts'

test('as many as there are get one at once; who waited longest is next', async () => {
  const slots = new WorkerSlots(2)
  expect([slots.acquire(), slots.acquire()]).toEqual([undefined, undefined])
  const order: string[] = []
  const waiting = ['a', 'b'].map(async (name) => {
    await slots.acquire()
    order.push(name)
  })
  slots.release()
  await waiting[0]
  expect(order).toEqual(['a'])
  slots.release()
  await waiting[1]
  slots.release()
  slots.release()
  expect([slots.acquire(), slots.acquire()]).toEqual([undefined, undefined])
  expect(slots.acquire()).toBeInstanceOf(Promise)
})
