/** From how many messages under way on which linger is best, and whether those who wait are told all together. */
export interface LingerStep {
  readonly from: number
  readonly lingerMs: number
  /** What was acknowledged in one turn of the event loop is settled together, so that those who waited send a batch. */
  readonly together: boolean
}

/**
 * librdkafka's clock for lingering ticks in milliseconds while nothing else wakes its thread. So a lone message must not linger,
 * nor a few. Where messages keep coming, each wakes it: a fraction of a millisecond gathers a batch, as long as they do come
 * one after another. With hundreds under way a millisecond costs nobody anything, and makes requests large.
 */
export const lingerSteps: readonly LingerStep[] = [
  { from: 0, lingerMs: 0, together: true },
  { from: 40, lingerMs: 0.2, together: false },
  { from: 250, lingerMs: 1, together: true },
]

/** A step is left downwards only well below where it was entered, so that a load between two steps stays on one. */
const stayFraction = 0.5
/** So many readings in a row, since changing means to wait until nothing is under way. */
const readingsToClimb = 2

/** Chooses among `lingerSteps` by the average number of messages under way. */
export class LingerChoice {
  step = 0
  #sum = 0
  #count = 0
  #climbing = 0

  /** For each message that is handed over: how many are under way with it. */
  note(underWay: number): void {
    this.#sum += underWay
    this.#count++
  }

  /** Ends a reading. True if there were messages in it. */
  decide(): boolean {
    const count = this.#count
    const average = count === 0 ? 0 : this.#sum / count
    this.#sum = this.#count = 0
    const wanted = lingerSteps.findLastIndex(({ from }) => average >= from)
    if (wanted > this.step) {
      if (++this.#climbing >= readingsToClimb) this.#move(wanted)
    } else {
      this.#climbing = 0
      if (wanted < this.step && average < lingerSteps[this.step]!.from * stayFraction) this.#move(wanted)
    }
    return count > 0
  }

  #move(step: number): void {
    this.step = step
    this.#climbing = 0
  }
}
