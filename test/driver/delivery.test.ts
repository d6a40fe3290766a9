import { expect, test } from 'vitest'
import { RecordedDelivery } from './fake-driver.ts'

const failure = { code: 'DRIVER_FAILED', reason: 'x' } as const

test('the first verdict counts; a driver that reports again is not heard', () => {
  const delivery = new RecordedDelivery()
  delivery.settle(failure, 0, -1, -1)
  delivery.settle(null, 0, 5, -1)
  expect(delivery.verdicts).toEqual([failure])
  expect(delivery.state).toBe('settled')
})

test('a message that was taken gives its room back before its caller hears of it', () => {
  const delivery = new RecordedDelivery()
  const events: string[] = []
  delivery.owner = {
    release: (released) => void events.push(released === delivery ? 'released' : 'another'),
    releaseOne: (bytes) => void events.push(`${bytes} bytes`),
  }
  delivery.onComplete = () => void events.push('completed')
  delivery.state = 'taken'
  delivery.settle(null, 0, 1, -1)
  expect(events).toEqual(['released', 'completed'])
})

test('one that stands for several gives back the room of each', () => {
  const delivery = new RecordedDelivery()
  const events: string[] = []
  delivery.owner = {
    release: () => void events.push(`the last, ${delivery.bytes} bytes`),
    releaseOne: (bytes) => void events.push(`${bytes} bytes`),
  }
  delivery.onComplete = () => void events.push('completed')
  Object.assign(delivery, { state: 'taken', messages: 3, bytes: 100 })
  for (let offset = 0; offset < 4; offset++) delivery.settle(null, 0, offset, -1)
  expect(events).toEqual(['33 bytes', 'completed', '33 bytes', 'completed', 'the last, 34 bytes', 'completed'])
})

test.each(['new', 'waiting'] as const)('a message in state %s has no room to give back', (state) => {
  const delivery = new RecordedDelivery()
  let released = 0
  delivery.owner = { release: () => void released++, releaseOne: () => void released++ }
  delivery.state = state
  delivery.settle(failure, 0, -1, -1)
  expect(released).toBe(0)
  expect(delivery.verdicts).toEqual([failure])
})
