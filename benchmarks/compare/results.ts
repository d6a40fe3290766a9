import { clientTable, clientRow, opponentOf } from './client-table.ts'
import { median, spreadOf, type Spread } from './statistics.ts'
import { measures, workTable, type Figures, type Measure, type Work } from './work-table.ts'

/** One client at one work: medians over the rounds, and what they lie between. */
export interface Result extends Figures {
  readonly work: string
  readonly client: string
  readonly callers: number
  readonly batch: number
  readonly bytes: number
  readonly partitions: number
  readonly min: Figures
  readonly max: Figures
  /** As measured, round by round. */
  readonly rounds: readonly Figures[]
}

/** Ours divided by theirs: by round, since both sides of a round see the same machine. */
export interface Ratio extends Spread {
  readonly measure: Measure
  readonly rounds: readonly number[]
  /** Of several settings the one that did best. */
  readonly setting?: string
}

/** By work, ours and whom it is compared with. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Ratio>>>>>>

export interface Report {
  readonly recordedAt: string
  readonly commit: string
  /** A quick run: few rounds of short windows. */
  readonly isQuick: boolean
  readonly machine: Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, string>>
  readonly results: readonly Result[]
  readonly ratios: Ratios
  readonly failures: readonly { readonly work: string; readonly client: string; readonly reason: string }[]
}

export function createResult(work: Work, client: string, rounds: readonly Figures[]): Result {
  const names = (Object.keys(measures) as Measure[]).filter((name) => rounds.some((round) => round[name] !== undefined))
  const of = (pick: (spread: Spread) => number): Figures =>
    Object.fromEntries(
      names.map((name) => [name, rounded(pick(spreadOf(rounds.flatMap((round) => round[name] ?? []))))]),
    )
  return {
    work: work.name,
    client,
    callers: work.callers,
    batch: work.batch,
    bytes: work.bytes,
    partitions: work.partitions,
    ...of((spread) => spread.median),
    min: of((spread) => spread.min),
    max: of((spread) => spread.max),
    rounds: rounds.map((round) => Object.fromEntries(Object.entries(round).map(([name, n]) => [name, rounded(n)]))),
  }
}

/** Every one of ours against every other client that did the same work. */
export function computeRatios(results: readonly Result[]): Ratios {
  return Object.fromEntries(
    workTable.flatMap((work) => {
      const done = results.filter((result) => result.work === work.name)
      const ours = done.filter(({ client }) => clientRow(client).isOurs)
      const opponents = bestOfEach(done, work.measure)
      const rows = ours.map((our) => [our.client, compare(our, opponents, work.measure)] as const)
      return done.length > 0 ? [[work.name, Object.fromEntries(rows)] as const] : []
    }),
  )
}

/** The value by which one client is better, whichever way its measure points. */
export function isBetter(measure: Measure, value: number, than: number): boolean {
  return measures[measure].better === 'higher' ? value > than : value < than
}

/** One result for each client, in the order of the table: of a client's settings the best one. All of one work. */
export function bestOfEach(results: readonly Result[], measure: Measure): ReadonlyMap<string, Result> {
  const best = new Map<string, Result>()
  for (const { name } of clientTable) {
    const result = results.find(({ client }) => client === name)
    const value = result?.[measure]
    if (result === undefined || value === undefined) continue
    const opponent = opponentOf(clientRow(name))
    const known = best.get(opponent)
    // A setting that was dropped after some rounds has been beaten already.
    const isLonger = known !== undefined && result.rounds.length > known.rounds.length
    const isShorter = known !== undefined && result.rounds.length < known.rounds.length
    if (known === undefined || isLonger || (!isShorter && isBetter(measure, value, known[measure]!)))
      best.set(opponent, result)
  }
  return best
}

function compare(our: Result, opponents: ReadonlyMap<string, Result>, measure: Measure): Record<string, Ratio> {
  const ratios: Record<string, Ratio> = {}
  for (const [opponent, theirs] of opponents) {
    if (opponent === our.client) continue
    const rounds = our.rounds.flatMap((round, index) => {
      const [a, b] = [round[measure], theirs.rounds[index]?.[measure]]
      return a === undefined || b === undefined ? [] : [rounded(a / b)]
    })
    if (rounds.length === 0) continue
    ratios[opponent] = {
      measure,
      ...spreadOf(rounds),
      median: rounded(median(rounds)),
      rounds,
      ...(theirs.client === opponent ? {} : { setting: theirs.client }),
    }
  }
  return ratios
}

/** Four digits: more than any of it can be repeated to. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
