/** librdkafka's window of an idempotent producer for a partition; it counts messages (RD_KAFKA_IDEMP_MAX_INFLIGHT). */
const idempotentWindow = 5
/** More make batches by themselves, and to wait costs each of them a copy. */
const holdAtMost = 64
const holdForAtMostMs = 100
/** A load of many, such as batches that go to several partitions, is not one of few each time it ebbs. */
const ebb = 0.95

/**
 * Holds messages back while the greater part of a batch is on the wire, so that they go with the next one: librdkafka's thread
 * spins while messages wait for the window of an idempotent producer to open.
 */
export class BatchHold {
  #most = 0
  #recentMost = 0
  #since: number | undefined

  /** After each hand-over, with how many are under way now. */
  taken(underWay: number): void {
    if (underWay > this.#most) this.#most = underWay
  }

  /** After reports, with how many are left. */
  reported(underWay: number): void {
    this.#recentMost = Math.max(this.#most, this.#recentMost * ebb)
    if (underWay >= idempotentWindow && this.#recentMost <= holdAtMost && underWay > this.#most / 2) {
      this.#since ??= performance.now()
    } else {
      this.#since = undefined
      this.#most = underWay
    }
  }

  /** A batch that gets no answer holds nobody for long. */
  get isHolding(): boolean {
    if (this.#since === undefined) return false
    if (performance.now() - this.#since < holdForAtMostMs) return true
    this.#since = undefined
    return false
  }
}
