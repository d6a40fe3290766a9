import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { drawCharts } from '../../../benchmarks/compare/draw-charts.ts'
import { formatReport, readReport } from '../../../benchmarks/compare/record-results.ts'

const folder = new URL('../../../benchmarks/results/', import.meta.url)

test('the committed plots are what the committed results look like', () => {
  const committed = drawCharts(readReport())
  expect(Object.keys(committed)).not.toEqual([])
  for (const [name, svg] of Object.entries(committed)) {
    expect(readFileSync(new URL(name, folder), 'utf8') === svg, `${name}: run \`npm run bench -- --render\``).toBe(true)
  }
})

test('results are written one to a line, and read as they were', () => {
  const report = readReport()
  const text = formatReport(report)
  expect(JSON.parse(text)).toEqual(report)
  expect(text.split('\n').filter((line) => line.startsWith('    {"work":'))).toHaveLength(report.results.length)
})
