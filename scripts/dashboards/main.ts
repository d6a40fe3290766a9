// npm run dashboards: writes dashboards/ from the table of metrics. With --check it only looks, and fails when a file is out of date.

import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createDatadogDashboard } from './datadog.ts'
import { createGrafanaDashboard } from './grafana.ts'

const check = process.argv.includes('--check')
const dashboards = {
  'dashboards/grafana.json': createGrafanaDashboard(),
  'dashboards/datadog.json': createDatadogDashboard(),
}

for (const [path, dashboard] of Object.entries(dashboards)) {
  // npm scripts run in the root of the project.
  const file = resolve(path)
  const text = `${JSON.stringify(dashboard, null, 2)}\n`
  if (!check) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${path} is out of date; run \`npm run dashboards\` and commit the result\n`)
    process.exitCode = 1
  }
}
