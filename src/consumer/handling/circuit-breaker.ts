/** Counts attempts that fail one after another, and says when it is too many. */
export class CircuitBreaker {
  readonly #limit: number
  #failures = 0

  /** @param limit 0: never too many */
  constructor(limit: number) {
    this.#limit = limit
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Whether to hold back now. After that the next failure is one too many again, until something succeeds. */
  failed(): boolean {
    if (this.#limit === 0 || ++this.#failures < this.#limit) return false
    this.#failures = this.#limit - 1
    return true
  }
}
