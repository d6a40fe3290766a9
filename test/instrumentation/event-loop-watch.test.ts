import { afterEach, expect, test } from 'vitest'
import { EventLoopWatch } from '../../src/instrumentation/event-loop-watch.ts'
import { subscribe, type EventPayloads } from '../../src/instrumentation/events.ts'
import { waitUntil } from '../kafka/wait-until.ts'

type Measured = EventPayloads['event_loop.measured']

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

function listen(): Measured[] {
  const measured: Measured[] = []
  stops.push(subscribe('event_loop.measured', (event) => measured.push(event)))
  return measured
}

function start(intervalMs: number, watch = new EventLoopWatch(() => 'mine')): () => void {
  const stop = watch.start(intervalMs)
  stops.push(stop)
  return stop
}

function block(durationMs: number): void {
  const until = performance.now() + durationMs
  while (performance.now() < until);
}

test('tells how long the event loop was kept', async () => {
  const measured = listen()
  start(100)
  await waitUntil('a delay is seen', () => {
    block(60)
    return measured.some(({ maxMs }) => maxMs >= 30)
  })
  const { instance, thread, meanMs, p99Ms, maxMs } = measured.find((event) => event.maxMs >= 30)!
  expect([instance, thread]).toEqual(['mine', 'main'])
  expect(meanMs).toBeGreaterThan(0)
  expect(p99Ms).toBeGreaterThanOrEqual(meanMs)
  expect(maxMs).toBeGreaterThanOrEqual(p99Ms * 0.99)
})

test('runs once for all who started it, until the last one stops it', async () => {
  const watch = new EventLoopWatch(() => 'mine')
  const measured = listen()
  const [first, second] = [start(30, watch), start(30, watch)]
  first()
  first()
  const count = measured.length
  await waitUntil('the other still hears', () => measured.length > count)
  second()
  const last = measured.length
  const other = listen()
  start(30)
  await waitUntil('another one hears', () => other.length >= 2)
  expect(measured.length - last, 'none of them came of the first').toBe(other.length)
})

test('does not hold the process', () => {
  const before = process.getActiveResourcesInfo()
  start(30)
  expect(process.getActiveResourcesInfo()).toEqual(before)
})

test('at 0 nothing is measured', () => {
  start(0)()
})
