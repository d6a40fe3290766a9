/** Counts work under way and lets its producer hold back. One waiter at a time. */
export class InFlight {
  #count = 0
  #limit = 0
  #wake: (() => void) | undefined

  add(work: Promise<unknown>): void {
    this.#count++
    const settle = (): void => {
      this.#count--
      if (this.#count <= this.#limit) this.#wake?.()
    }
    work.then(settle, settle)
  }

  /**
   * Resolves once at most `limit` are under way. A counter, since racing over thousands of promises again and again
   * would leave a reaction on each of them every time.
   */
  async downTo(limit: number): Promise<void> {
    if (this.#count <= limit) return
    this.#limit = limit
    await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = undefined
  }
}
