/** Buckets per doubling: neighbours differ by 2^(1/16), so a percentile is at most 4.4% above the true value. */
const bucketsPerDoubling = 16
/** Values up to 2^-10 (1 us, where the unit is ms) share the first bucket, values over 2^20 (17 min) the last. */
const lowestPower = -10
const highestPower = 20
const offset = -lowestPower * bucketsPerDoubling
const bucketCount = (highestPower - lowestPower) * bucketsPerDoubling + 2

/**
 * Counts of values in exponential buckets: a fixed 4 KB however many values and whatever their range, one logarithm per value,
 * exact count, sum and maximum. The edges are powers of 2^(1/16), so every power of two is an edge and `countUpTo` is exact there.
 */
export class Distribution {
  count = 0
  sum = 0
  max = 0
  readonly #buckets = new Float64Array(bucketCount)

  record(value: number): void {
    this.count++
    this.sum += value
    if (value > this.max) this.max = value
    this.#buckets[bucketOf(value)]!++
  }

  /** The smallest edge that `share` (0 to 1) of the values do not exceed; never more than the maximum. 0 when empty. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (let bucket = 0; bucket < bucketCount - 1; bucket++) {
      seen += this.#buckets[bucket]!
      if (seen >= rank) return Math.min(this.max, 2 ** ((bucket - offset) / bucketsPerDoubling))
    }
    return this.max
  }

  /** How many values are at most `2 ** power`, for a whole `power` from -10 to 20. */
  countUpTo(power: number): number {
    let seen = 0
    for (let bucket = 0; bucket <= offset + power * bucketsPerDoubling; bucket++) seen += this.#buckets[bucket]!
    return seen
  }

  add(other: Distribution): void {
    this.count += other.count
    this.sum += other.sum
    this.max = Math.max(this.max, other.max)
    for (let bucket = 0; bucket < bucketCount; bucket++) this.#buckets[bucket]! += other.#buckets[bucket]!
  }

  reset(): void {
    this.count = 0
    this.sum = 0
    this.max = 0
    this.#buckets.fill(0)
  }
}

function bucketOf(value: number): number {
  if (!(value > 0)) return 0
  const bucket = Math.ceil(Math.log2(value) * bucketsPerDoubling) + offset
  return bucket < 0 ? 0 : bucket >= bucketCount ? bucketCount - 1 : bucket
}
