// failures.mjs <vitest's JSON report>: prints each test that failed, with the head of what it said.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const LINES = 20

function print(file, title, message) {
  console.log(`\nFAILED ${relative(process.cwd(), file)}: ${title}`)
  const own = message.split('\n').filter((line) => !line.includes('/node_modules/'))
  for (const line of own.slice(0, LINES)) console.log(`  ${line}`)
}

for (const file of JSON.parse(readFileSync(process.argv[2], 'utf8')).testResults) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed')
  for (const test of failed) print(file.name, test.fullName, test.failureMessages.join('\n'))
  // A file that could not be loaded, or whose hooks failed, has no test to blame.
  if (file.status === 'failed' && failed.length === 0) print(file.name, 'the file itself', file.message)
}
