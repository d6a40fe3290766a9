/** What of one partition is begun and done, in whatever order; says what may be committed. */
export class OffsetTracker {
  #begun: number[] = []
  #head = 0
  /** Done before one that came earlier. */
  readonly #ahead = new Set<number>()
  /** Done before it began here, as was committed then. */
  #before = new Set<number>()
  #position: number | undefined

  /** What of the partition is done already. */
  resume(done: Set<number>): void {
    this.#before = done
  }

  /** Whether it was done before it began here. */
  knows(offset: number): boolean {
    return this.#before.has(offset)
  }

  /** In the order of offsets. */
  begin(offset: number): void {
    this.#begun.push(offset)
  }

  done(offset: number): void {
    if (this.#begun[this.#head] !== offset) {
      this.#ahead.add(offset)
      return
    }
    let last = offset
    this.#head++
    while (this.#ahead.size > 0 && this.#ahead.delete(this.#begun[this.#head]!)) last = this.#begun[this.#head++]!
    this.#position = last + 1
    // Not each time: to move the rest costs as much as it is long.
    if (this.#head * 2 > this.#begun.length) {
      this.#begun = this.#begun.slice(this.#head)
      this.#head = 0
    }
  }

  /** Everything up to this offset, by word of the handler. */
  doneUpTo(offset: number): void {
    this.#position = Math.max(this.#position ?? 0, offset + 1)
  }

  /** What is begun and not done will begin again. */
  forgetUnfinished(): void {
    this.#begun = []
    this.#head = 0
    this.#ahead.clear()
  }

  /** The next offset to be handled, never past one that is not done; undefined while nothing is done. */
  get position(): number | undefined {
    while (this.#position !== undefined && this.#before.delete(this.#position)) this.#position++
    return this.#position
  }

  /** What is done beyond `from`, the next offset to be handled; undefined where nothing is. */
  get ahead(): { readonly from: number; readonly offsets: readonly number[] } | undefined {
    const from = this.position ?? this.#begun[this.#head]
    if (from === undefined || this.#ahead.size + this.#before.size === 0) return undefined
    return { from, offsets: [...this.#before, ...this.#ahead] }
  }

  /** Begun since the first one that is not done. */
  get length(): number {
    return this.#begun.length - this.#head
  }

  /** Begun and not done. */
  get unfinished(): number {
    return this.#begun.length - this.#head - this.#ahead.size
  }
}
