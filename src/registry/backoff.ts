const firstWaitMs = 1000
const longestWaitMs = 30_000
/** A failure so long after the one before it is the first again. */
const forgetAfterMs = 60_000

/** How long to wait after failures that end what is made: not after the first, then a second, doubled by each, at most 30 s. */
export class Backoff {
  #failures = 0
  #failedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #cancel: (() => void) | undefined

  fail(): void {
    const now = performance.now()
    if (now - this.#failedAt > forgetAfterMs) this.#failures = 0
    this.#failures++
    this.#failedAt = now
  }

  /** Resolves when the wait is over or cancelled. */
  async wait(): Promise<void> {
    if (this.#failures < 2) return
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** (this.#failures - 2))
    const leftMs = this.#failedAt + waitMs - performance.now()
    if (leftMs <= 0) return
    await new Promise<void>((resolve) => {
      this.#cancel = resolve
      this.#timer = setTimeout(resolve, leftMs)
    })
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#cancel?.()
  }
}
