export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function spreadOf(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) }
}

/**
 * What the true median lies between with 95% on each side, whatever the distribution: each round is above it or below like a
 * coin, so that of 5 rounds all are above in 3% of cases. With fewer rounds nothing can be said that surely; it is then the
 * whole spread.
 */
export function medianBounds(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b)
  const count = sorted.length
  let cut = 0
  let ways = 1
  let sum = 1
  // The cut-th value may be a bound while at most `cut` heads in `count` throws happen in 5% of cases.
  for (;;) {
    ways = (ways * (count - cut)) / (cut + 1)
    sum += ways
    if (sum / 2 ** count > 0.05 || cut + 1 > (count - 1) / 2) break
    cut++
  }
  return [sorted[cut]!, sorted[count - 1 - cut]!]
}
