import { isBetter, type Report } from './results.ts'
import { median, medianBounds } from './statistics.ts'
import type { Measure } from './work-table.ts'

/** A promise: a ratio of ours to another client, or, where `against` is left out, a figure of ours. */
export interface Floor {
  readonly work: string
  /** Of several the one that does best. */
  readonly client: string | readonly string[]
  readonly against?: string
  readonly measure: Measure
  readonly atLeast?: number
  readonly atMost?: number
}

export type Verdict = 'holds' | 'within the noise' | 'fails' | 'not measured'

export interface CheckedFloor extends Floor {
  readonly verdict: Verdict
  /** Median over the rounds. */
  readonly value?: number
  readonly rounds: readonly number[]
}

/**
 * Holds where the median keeps it, and fails where even the favourable end of what the median may truly be does not: a shortfall that
 * the rounds themselves do not agree on is noise.
 */
export function checkFloors(
  floors: readonly Floor[],
  report: Pick<Report, 'results' | 'ratios'>,
): readonly CheckedFloor[] {
  return floors.map((floor) => {
    const rounds = bestRounds(floor, report)
    if (rounds.length === 0) return { ...floor, verdict: 'not measured', rounds }
    const keeps = (value: number): boolean =>
      value >= (floor.atLeast ?? Number.NEGATIVE_INFINITY) && value <= (floor.atMost ?? Number.POSITIVE_INFINITY)
    const value = median(rounds)
    const [low, high] = medianBounds(rounds)
    const favourable = floor.atLeast === undefined ? low : high
    const verdict = keeps(value) ? 'holds' : keeps(favourable) ? 'within the noise' : 'fails'
    return { ...floor, verdict, value, rounds }
  })
}

function bestRounds(floor: Floor, report: Pick<Report, 'results' | 'ratios'>): readonly number[] {
  const candidates = [floor.client].flat().map((client) => roundsOf(floor, client, report))
  const [best = []] = candidates
    .filter((rounds) => rounds.length > 0)
    .toSorted((a, b) => (isBetter(floor.measure, median(a), median(b)) ? -1 : 1))
  return best
}

function roundsOf(
  { work, against, measure }: Floor,
  client: string,
  { results, ratios }: Pick<Report, 'results' | 'ratios'>,
): readonly number[] {
  if (against === undefined) {
    const result = results.find((result) => result.work === work && result.client === client)
    return result?.rounds.flatMap((round) => round[measure] ?? []) ?? []
  }
  const ratio = ratios[work]?.[client]?.[against]
  return ratio?.measure === measure ? ratio.rounds : []
}
