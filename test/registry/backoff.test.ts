import { expect, onTestFinished, test, vi } from 'vitest'
import { Backoff } from '../../src/registry/backoff.ts'

function useFakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** How long a wait takes that begins now. */
async function waited(backoff: Backoff): Promise<number> {
  const startedAt = performance.now()
  const wait = backoff.wait().then(() => performance.now() - startedAt)
  await vi.advanceTimersByTimeAsync(60_000)
  return wait
}

test('no wait after the first failure, then a second, doubled by each up to 30 s', async () => {
  useFakeTime()
  const waits: number[] = []
  for (let failures = 0; failures < 9; failures++) {
    const backoff = new Backoff()
    for (let count = 0; count < failures; count++) backoff.fail()
    waits.push(await waited(backoff))
  }
  expect(waits).toEqual([0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('what has passed since the failure counts', async () => {
  useFakeTime()
  const backoff = new Backoff()
  backoff.fail()
  backoff.fail()
  vi.advanceTimersByTime(400)
  expect(await waited(backoff)).toBe(600)
})

test('a failure after a minute without one is the first again', async () => {
  useFakeTime()
  const backoff = new Backoff()
  backoff.fail()
  backoff.fail()
  vi.advanceTimersByTime(60_001)
  backoff.fail()
  expect(await waited(backoff)).toBe(0)
})

test('a wait that is cancelled is over at once', async () => {
  useFakeTime()
  const backoff = new Backoff()
  backoff.fail()
  backoff.fail()
  const wait = backoff.wait()
  backoff.cancel()
  await wait
  expect(vi.getTimerCount()).toBe(0)
})
