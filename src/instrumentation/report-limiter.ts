const windowMs = 60_000

interface Window<Report> {
  startedAt: number
  admitted: number
  suppressed: number
  /** The newest one held back. */
  last: Report | undefined
  timer: NodeJS.Timeout | undefined
}

/**
 * Lets so many reports of a code pass in a minute and counts the rest: an outage fails a million messages with one code.
 * What was held back when the minute is over, or at the end, is told by its newest report.
 */
export class ReportLimiter<Report> {
  readonly #maxPerMinute: number
  readonly #pass: (report: Report, suppressed: number) => boolean
  readonly #windows = new Map<string, Window<Report>>()
  #closed = false

  /**
   * @param pass takes a report and how many were held back since the one before;
   * false where it could not be taken: it and what it carried count for the next one
   */
  constructor(maxPerMinute: number, pass: (report: Report, suppressed: number) => boolean) {
    this.#maxPerMinute = maxPerMinute
    this.#pass = pass
  }

  add(code: string, report: Report): void {
    const window = this.#windowOf(code)
    if (window.admitted >= this.#maxPerMinute) this.#hold(window, report)
    else this.#admit(window, report)
  }

  /** Passes on what is still held back. */
  close(): void {
    this.#closed = true
    for (const window of this.#windows.values()) this.#release(window)
  }

  #windowOf(code: string): Window<Report> {
    const now = performance.now()
    let window = this.#windows.get(code)
    if (window === undefined) {
      window = { startedAt: now, admitted: 0, suppressed: 0, last: undefined, timer: undefined }
      this.#windows.set(code, window)
    } else if (now - window.startedAt >= windowMs) {
      this.#restart(window)
    }
    return window
  }

  #restart(window: Window<Report>): void {
    window.startedAt = performance.now()
    window.admitted = 0
  }

  #admit(window: Window<Report>, report: Report): void {
    const { suppressed } = window
    clearTimeout(window.timer)
    window.timer = window.last = undefined
    window.suppressed = 0
    window.admitted++
    if (this.#pass(report, suppressed)) return
    window.suppressed = suppressed
    this.#hold(window, report)
  }

  #hold(window: Window<Report>, report: Report): void {
    window.suppressed++
    window.last = report
    if (this.#closed || window.timer !== undefined) return
    const left = Math.max(1, window.startedAt + windowMs - performance.now())
    window.timer = setTimeout(() => {
      window.timer = undefined
      this.#restart(window)
      this.#release(window)
    }, left)
    window.timer.unref()
  }

  #release(window: Window<Report>): void {
    clearTimeout(window.timer)
    const { last } = window
    if (last === undefined) return
    // The one that tells of the others is not one of them.
    window.suppressed--
    this.#admit(window, last)
  }
}
