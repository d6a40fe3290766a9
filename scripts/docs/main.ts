// npm run docs: writes the tables of the reference pages from the tables in src/.
// npm run docs:check: only looks, and fails when a page is not what would be written.

import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fillTables } from './fill-tables.ts'
import { createReferenceTables } from './reference-tables.ts'

const check = process.argv.includes('--check')

try {
  for (const [page, tables] of Object.entries(createReferenceTables())) {
    // npm scripts run in the root of the project.
    const file = resolve(page)
    const text = readFileSync(file, 'utf8')
    const filled = fillTables(page, text, tables)
    if (filled === text) continue
    if (check) {
      process.stderr.write(`${page} is out of date; run \`npm run docs\` and commit the result\n`)
      process.exitCode = 1
    } else {
      writeFileSync(file, filled)
      process.stdout.write(`wrote ${page}\n`)
    }
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
