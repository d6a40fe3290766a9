/** As often as the Java client and librdkafka look at topics again. */
const refreshMs = 300_000
/** A topic that is not there yet is about to be made, by its first message. */
const retryMs = 1000

/** How many partitions a topic has, asked again from time to time, by those who need it. */
export class PartitionCount {
  #count: number | undefined
  #askAgainAt = 0
  readonly #ask: () => Promise<number>

  constructor(ask: () => Promise<number>) {
    this.#ask = ask
  }

  /** What is known now; undefined while the driver cannot tell. */
  get current(): number | undefined {
    if (performance.now() >= this.#askAgainAt) void this.refresh()
    return this.#count
  }

  /** Never rejects: what is known stays. */
  async refresh(): Promise<void> {
    this.#askAgainAt = Infinity
    let waitMs = refreshMs
    try {
      this.#count = await this.#ask()
    } catch {
      if (this.#count === undefined) waitMs = retryMs
    }
    this.#askAgainAt = performance.now() + waitMs
  }
}
