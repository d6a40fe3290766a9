import { expect, test } from 'vitest'
import { drawCharts } from '../../../benchmarks/compare/draw-charts.ts'
import { exampleReport, rates } from './example-report.ts'

const svg = drawCharts(
  exampleReport({
    'produce-100': { kafkajs: rates(50, 100, 60), postrider: rates(100, 300, 150) },
    'produce-1000': { postrider: rates(10) },
  }),
)

test('a chart has a panel for each work that was measured; one without any is not drawn', () => {
  expect(Object.keys(svg)).toEqual(['produce-callers.svg'])
  const text = svg['produce-callers.svg'] ?? ''
  expect(text.match(/<g /g)).toHaveLength(2)
  expect(text).toContain('>100 awaited callers: messages/s (higher is better)</text>')
})

test('bars are as long as their medians, the best first, on a scale that has room for the best round', () => {
  const text = svg['produce-callers.svg'] ?? ''
  const widths = Array.from(text.matchAll(/<rect x="\d+"[^>]* width="([\d.]+)"/g), ([, width]) => Number(width))
  const room = widths[2]!
  expect(widths.map((width) => width / room)).toEqual([expect.closeTo(0.5), expect.closeTo(0.2), 1])
  expect(text.indexOf('>postrider<')).toBeLessThan(text.indexOf('>kafkajs<'))
})

test('ours stands out', () => {
  const [ours, theirs] = Array.from(
    (svg['produce-callers.svg'] ?? '').matchAll(/<rect x="\d+".*fill="(.*)"/g),
    ([, fill]) => fill,
  )
  expect(ours).not.toBe(theirs)
})
