import { computeRatios, createResult, type Report, type Result } from '../../../benchmarks/compare/results.ts'
import { workTable, type Figures, type Work } from '../../../benchmarks/compare/work-table.ts'

export function workNamed(name: string): Work {
  const work = workTable.find((work) => work.name === name)
  if (work === undefined) throw new Error(`there is no work ${name}`)
  return work
}

/** By work and client, the figures of each round. */
export function exampleReport(rounds: Record<string, Record<string, readonly Figures[]>>): Report {
  const results = Object.entries(rounds).flatMap(([work, byClient]): Result[] =>
    Object.entries(byClient).map(([client, figures]) => createResult(workNamed(work), client, figures)),
  )
  return {
    recordedAt: '2026-01-02',
    commit: 'abc',
    isQuick: false,
    machine: { processor: 'P, 2 cores' },
    versions: { node: '24' },
    results,
    ratios: computeRatios(results),
    failures: [],
  }
}

export function rates(...perSecond: readonly number[]): Figures[] {
  return perSecond.map((rate) => ({ perSecond: rate }))
}
