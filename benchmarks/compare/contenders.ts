import { opponentOf, type ClientRow } from './client-table.ts'
import { isBetter } from './results.ts'
import { median } from './statistics.ts'
import type { Figures, Measure } from './work-table.ts'

const trialRounds = 2
const keptSettings = 2

/**
 * Who runs in the next round: everybody, but of a client's settings only the best two once each was tried twice.
 * Trying all of them in all rounds would take half of the benchmark's time to tell which losers lose more.
 */
export function contenders(
  rows: readonly ClientRow[],
  done: ReadonlyMap<string, readonly Figures[]>,
  round: number,
  measure: Measure,
): readonly ClientRow[] {
  if (round < trialRounds) return rows
  const figureOf = ({ name }: ClientRow): number =>
    median((done.get(name) ?? []).slice(0, trialRounds).flatMap((figures) => figures[measure] ?? []))
  return rows.filter((row) => {
    if (row.family === undefined) return true
    const siblings = rows.filter((other) => opponentOf(other) === opponentOf(row))
    const better = siblings.filter((other) => isBetter(measure, figureOf(other), figureOf(row)))
    return better.length < keptSettings
  })
}

/** Everyone goes first in some round, and who follows whom changes: the one before leaves the machine in some state. */
export function orderOfRound<Row>(rows: readonly Row[], round: number): readonly Row[] {
  const start = rows.length === 0 ? 0 : (Math.floor(round / 2) * 2) % rows.length
  const turned = [...rows.slice(start), ...rows.slice(0, start)]
  return round % 2 === 0 ? turned : turned.toReversed()
}
