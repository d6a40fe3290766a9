type Waiting = PromiseWithResolvers<void>

/** What was sent and has not been read back yet, by key and in order; counts everything that is not as it should be. */
export class Verifier {
  verified = 0
  duplicated = 0
  reordered = 0
  different = 0
  #outstanding = 0
  #outstandingBytes = 0
  readonly #expected = new Map<string, { sequence: number; content: string }[]>()
  #progress: Waiting | undefined
  #drained: Waiting | undefined
  #failure: { readonly error: unknown } | undefined

  /** Sent and not read back: after the end, the missing ones. */
  get outstanding(): number {
    return this.#outstanding
  }

  get outstandingBytes(): number {
    return this.#outstandingBytes
  }

  expect(given: string | null, sequence: number, content: string): void {
    const key = orderedBy(given, sequence)
    const queue = this.#expected.get(key)
    if (queue) queue.push({ sequence, content })
    else this.#expected.set(key, [{ sequence, content }])
    this.#outstanding++
    this.#outstandingBytes += content.length
  }

  /** Takes back an expectation whose send failed. */
  forget(given: string | null, sequence: number): void {
    const key = orderedBy(given, sequence)
    const queue = this.#expected.get(key)
    const index = queue?.findIndex((entry) => entry.sequence === sequence) ?? -1
    if (index !== -1) this.#remove(key, queue!, index)
  }

  receive(given: string | null, sequence: number, content: string): void {
    const key = orderedBy(given, sequence)
    const queue = this.#expected.get(key)
    const index = queue?.findIndex((entry) => entry.sequence === sequence) ?? -1
    if (index === -1) {
      this.duplicated++
      return
    }
    if (index > 0) this.reordered++
    if (queue![index]!.content !== content) this.different++
    else this.verified++
    this.#remove(key, queue!, index)
  }

  /** Nothing more is read back: who waits for that is told why. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#progress?.reject(error)
    this.#drained?.reject(error)
  }

  /** Resolves at the next record that is read back. @throws what `fail` was given */
  progress(): Promise<void> {
    return (this.#progress = this.#wait()).promise
  }

  /** Waits until everything is read back, or nothing has come for `patienceMs`. */
  async drain(patienceMs: number): Promise<void> {
    for (let before = -1; this.#outstanding > 0 && this.#outstanding !== before;) {
      before = this.#outstanding
      let timer: NodeJS.Timeout | undefined
      const outOfPatience = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)))
      this.#drained = this.#wait()
      await Promise.race([this.#drained.promise, outOfPatience]).finally(() => clearTimeout(timer))
    }
  }

  #wait(): Waiting {
    const waiting = Promise.withResolvers<void>()
    if (this.#failure) waiting.reject(this.#failure.error)
    return waiting
  }

  #remove(key: string, queue: { content: string }[], index: number): void {
    const [removed] = queue.splice(index, 1)
    if (queue.length === 0) this.#expected.delete(key)
    this.#outstanding--
    this.#outstandingBytes -= removed!.content.length
    this.#progress?.resolve()
    if (this.#outstanding === 0) this.#drained?.resolve()
  }
}

/** Records without key go to any partition: each is in order with itself alone. */
function orderedBy(key: string | null, sequence: number): string {
  return key ?? `without key ${sequence}`
}
