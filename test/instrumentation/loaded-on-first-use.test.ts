import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const source = new URL('../../src/', import.meta.url)

/** The modules that importing `file` evaluates: what it imports for more than types, and so on. */
function evaluated(file: URL, found = new Set<string>()): Set<string> {
  if (found.has(file.href)) return found
  found.add(file.href)
  const statement = /^(?:import|export) (?!type )(?:[^;'"]*? from )?'(?<path>\.[^']+)'/gm
  for (const { groups } of readFileSync(file, 'utf8').matchAll(statement))
    evaluated(new URL(groups!['path']!, file), found)
  return found
}

test('importing the package loads no part of the instrumentation that is off by default and large', () => {
  const names = [...evaluated(new URL('index.ts', source))].map((href) => href.slice(source.href.length))
  expect(names).toContain('instrumentation/metrics-aggregator.ts')
  const later = ['bugsnag-notifier', 'open-telemetry', 'statsd-instrument', 'statsd-samples', 'trace-context']
  expect(later.filter((name) => names.includes(`instrumentation/${name}.ts`))).toEqual([])
})
