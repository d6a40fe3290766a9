import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drawCharts } from './draw-charts.ts'
import type { Report } from './results.ts'

const folder = new URL('../results/', import.meta.url)
const reportFile = new URL('comparison.json', folder)

export function readReport(): Report {
  return JSON.parse(readFileSync(reportFile, 'utf8')) as Report
}

export function formatReport(report: Report): string {
  // One line for each result: a page of figures that git can show the difference of.
  const { results, ...rest } = report
  const lines = results.map((result) => `    ${JSON.stringify(result)}`).join(',\n')
  const text = JSON.stringify(rest, null, 2)
  return `${text.slice(0, -2)},\n  "results": [\n${lines}\n  ]\n}\n`
}

export function recordReport(report: Report): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(reportFile, formatReport(report))
}

/** Draws the plots and fills the tables of docs/performance.md from the results that are there. */
export function renderReport(): void {
  for (const [name, svg] of Object.entries(drawCharts(readReport()))) writeFileSync(new URL(name, folder), svg)
  const root = fileURLToPath(new URL('../../', import.meta.url))
  execFileSync(process.execPath, ['scripts/docs/main.ts'], { cwd: root, stdio: 'inherit' })
}
