/** What was sent and has not been read back yet, by key and in order; counts everything that is not as it should be. */
export class Verifier {
  verified = 0
  duplicated = 0
  reordered = 0
  different = 0
  #outstanding = 0
  #outstandingBytes = 0
  readonly #expected = new Map<string, { sequence: number; content: string }[]>()
  #wake: (() => void) | undefined
  #drained: (() => void) | undefined

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

  /** Resolves at the next record that is read back. */
  progress(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  /** Waits until everything is read back, or nothing has come for `patienceMs`. */
  async drain(patienceMs: number): Promise<void> {
    for (let before = -1; this.#outstanding > 0 && this.#outstanding !== before;) {
      before = this.#outstanding
      let timer: NodeJS.Timeout | undefined
      const outOfPatience = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)))
      const drained = new Promise<void>((resolve) => (this.#drained = resolve))
      await Promise.race([drained, outOfPatience])
      clearTimeout(timer)
    }
  }

  #remove(key: string, queue: { content: string }[], index: number): void {
    const [removed] = queue.splice(index, 1)
    if (queue.length === 0) this.#expected.delete(key)
    this.#outstanding--
    this.#outstandingBytes -= removed!.content.length
    this.#wake?.()
    if (this.#outstanding === 0) this.#drained?.()
  }
}

/** Records without key go to any partition: each is in order with itself alone. */
function orderedBy(key: string | null, sequence: number): string {
  return key ?? `without key ${sequence}`
}
