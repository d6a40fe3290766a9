import { onTestFinished, vi } from 'vitest'

/** From here on the time of day stands still, however long things take, and moves by what the returned function is given; timers run. */
export function holdClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  return (ms) => void vi.setSystemTime(Date.now() + ms)
}
