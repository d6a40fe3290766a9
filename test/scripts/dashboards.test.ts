import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { metricRows } from '../../src/instrumentation/metrics.ts'
import { prometheusName } from '../../src/instrumentation/prometheus-text.ts'
import { percentiles } from '../../src/instrumentation/statsd-samples.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

function read<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(join(root, 'dashboards', name), 'utf8')) as Shape
}

function check(directory: string): { status: number | null; stderr: string } {
  const main = join(root, 'scripts/dashboards/main.ts')
  const { status, stderr } = spawnSync(process.execPath, [main, '--check'], { cwd: directory, encoding: 'utf8' })
  return { status, stderr }
}

test('the committed dashboards are what would be written, and a changed one is named', () => {
  expect(check(root)).toEqual({ status: 0, stderr: '' })
  const directory = mkdtempSync(join(tmpdir(), 'dashboards-'))
  cpSync(join(root, 'dashboards'), join(directory, 'dashboards'), { recursive: true })
  writeFileSync(join(directory, 'dashboards/grafana.json'), '{}\n')
  const stderr = 'dashboards/grafana.json is out of date; run `npm run dashboards` and commit the result\n'
  expect(check(directory)).toEqual({ status: 1, stderr })
  rmSync(directory, { recursive: true })
})

describe('Grafana', () => {
  interface Panel {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly datasource?: { readonly uid: string }
    readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
  }
  const { panels, ...dashboard } = read<Record<string, unknown> & { panels: Panel[] }>('grafana.json')
  const charts = panels.filter(({ type }) => type !== 'row')

  test('has what an import requires', () => {
    expect(dashboard).toMatchObject({ title: 'postrider', uid: 'postrider', schemaVersion: 39 })
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { title, datasource, targets = [] } of charts) {
      expect(title).not.toBe('')
      expect(datasource?.uid).toBe('${datasource}')
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
    }
  })

  test('panels neither overlap nor leave the grid', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24)
      return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`)
    })
    expect(new Set(cells).size).toBe(cells.length)
  })

  test('asks for every metric, and for none that does not exist', () => {
    const asked = charts.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) =>
        Array.from(expr.matchAll(/postrider_\w+/g), ([name]) => name.replace(/_bucket$/, '')),
      ),
    )
    expect(new Set(asked)).toEqual(new Set(metricRows.map(([name, metric]) => prometheusName(name, metric))))
  })
})

describe('Datadog', () => {
  interface Widget {
    readonly id: number
    readonly definition: {
      readonly type: string
      readonly title: string
      readonly widgets?: readonly Widget[]
      readonly requests?: readonly {
        readonly queries: readonly { readonly name: string; readonly query: string }[]
        readonly formulas: readonly { readonly formula: string }[]
      }[]
    }
  }
  const { widgets: groups, ...dashboard } = read<Record<string, unknown> & { widgets: Widget[] }>('datadog.json')
  const charts = groups.flatMap(({ definition }) => definition.widgets ?? [])
  const requests = charts.flatMap(({ definition }) => definition.requests ?? [])

  test('has what an import requires', () => {
    expect(dashboard).toMatchObject({ title: 'postrider', layout_type: 'ordered' })
    const all = [...groups, ...charts]
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    for (const { definition } of charts) expect(definition).toMatchObject({ type: 'timeseries' })
    expect(requests).toHaveLength(metricRows.length)
  })

  test('formulas name queries of their own request', () => {
    for (const { queries, formulas } of requests)
      expect(formulas.map(({ formula }) => formula)).toEqual(queries.map(({ name }) => name))
  })

  test('asks for every metric, and for none that does not exist', () => {
    const asked = requests.flatMap(({ queries }) =>
      queries.map(({ query }) => /^(?:sum|max):postrider\.([\w.]+)\{/.exec(query)?.[1]),
    )
    const existing = metricRows.flatMap(([name, { type }]) =>
      type === 'distribution' ? Object.keys(percentiles).map((suffix) => `${name}.${suffix}`) : [name],
    )
    expect(new Set(asked)).toEqual(new Set(existing))
  })
})
