export interface LookupLimits {
  /** Lookups under way at a time; more wait their turn. */
  readonly concurrent: number
  /** Lookups that wait; more are refused. */
  readonly waiting: number
  /** Lookups that may end without a schema in `windowMs`; more are refused until the window is over. */
  readonly unknown: number
  readonly windowMs: number
}

/**
 * Bounds what foreign bytes can make us ask a schema registry: anyone who writes to a topic can name an id,
 * and each name costs a request. Ids that exist are only made to wait for each other.
 */
export class LookupLimiter {
  readonly #limits: LookupLimits
  readonly #now: () => number
  readonly #line: (() => void)[] = []
  #active = 0
  #unknown = 0
  #windowEnd = 0

  constructor(limits: LookupLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /**
   * Runs `lookup` when it is its turn; `isUnknown` tells an error that means an unknown id.
   * @param refuse makes the error of a lookup that is not made
   * @param isKnown whether a lookup is made even so, since it cannot be for an unknown id; asked only when no more unknown ones are allowed
   */
  async run<Result>(
    lookup: () => Promise<Result>,
    isUnknown: (error: unknown) => boolean,
    refuse: (reason: string) => Error,
    isKnown: () => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<Result> {
    const { concurrent, waiting, unknown, windowMs } = this.#limits
    if (this.#active >= concurrent) {
      if (this.#line.length >= waiting) throw refuse(`${waiting} lookups wait already`)
      // The place is handed over, not given back and taken again: nobody can slip in between.
      await new Promise<void>((resolve) => this.#line.push(resolve))
    } else this.#active++
    try {
      if (this.#now() >= this.#windowEnd) this.#unknown = 0
      if (this.#unknown >= unknown && !(await isKnown())) throw refuse(`${unknown} ids in ${windowMs} ms were unknown`)
      return await lookup()
    } catch (error) {
      if (isUnknown(error)) {
        if (this.#unknown++ === 0) this.#windowEnd = this.#now() + windowMs
      }
      throw error
    } finally {
      const next = this.#line.shift()
      if (next) next()
      else this.#active--
    }
  }
}
