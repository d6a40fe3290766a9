const windowMs = 60_000

interface Window {
  startedAt: number
  admitted: number
  suppressed: number
}

/** Lets so many reports of a code pass in a minute and counts the rest: an outage fails a million messages with one code. */
export class ReportLimiter {
  readonly #maxPerMinute: number
  readonly #now: () => number
  readonly #windows = new Map<string, Window>()

  /** @param now milliseconds that only grow */
  constructor(maxPerMinute: number, now: () => number = () => performance.now()) {
    this.#maxPerMinute = maxPerMinute
    this.#now = now
  }

  /** How many were held back since the last one that passed; undefined when this one is held back too. */
  admit(code: string): number | undefined {
    const now = this.#now()
    let window = this.#windows.get(code)
    if (window === undefined) {
      window = { startedAt: now, admitted: 0, suppressed: 0 }
      this.#windows.set(code, window)
    } else if (now - window.startedAt >= windowMs) {
      window.startedAt = now
      window.admitted = 0
    }
    if (window.admitted >= this.#maxPerMinute) {
      window.suppressed++
      return undefined
    }
    window.admitted++
    const { suppressed } = window
    window.suppressed = 0
    return suppressed
  }

  /** One that passed was not sent after all; it and the `suppressed` it carried count for the next one. */
  takeBack(code: string, suppressed: number): void {
    const window = this.#windows.get(code)
    if (window) window.suppressed += suppressed + 1
  }
}
