/** What is kept between two flushes; further values take the place of earlier ones by chance, so that all have the same one. */
const maxValues = 1000

/** A part of the values of one series, drawn by chance, for daemons that make their own percentiles of many processes. */
export class ValueSample {
  readonly #rate: number
  readonly #values: number[] = []
  #seen = 0
  #drawn = 0

  /** @param rate the part that is kept, above 0 to 1 */
  constructor(rate: number) {
    this.#rate = rate
  }

  offer(value: number): void {
    this.#seen++
    if (this.#rate < 1 && Math.random() >= this.#rate) return
    this.#drawn++
    if (this.#values.length < maxValues) {
      this.#values.push(value)
      return
    }
    const place = Math.floor(Math.random() * this.#drawn)
    if (place < maxValues) this.#values[place] = value
  }

  /** What was kept since the last call, and which part of all values that is: a daemon that multiplies finds their number again. */
  take(): { readonly values: readonly number[]; readonly rate: number } {
    const values = this.#values.splice(0)
    const rate = this.#seen === 0 ? 1 : values.length / this.#seen
    this.#seen = 0
    this.#drawn = 0
    return { values, rate }
  }
}
