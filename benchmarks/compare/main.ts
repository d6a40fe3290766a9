// npm run bench: compares what clients of Node.js reach on a real Kafka, each run in a process of its own. `-- --help` says more.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { installDependencies } from '../../scripts/setup/dependencies.mjs'
import { createProgress } from '../../scripts/setup/progress.mjs'
import { startKafka } from '../../test/kafka/kafka-cluster.ts'
import { checkFloors, type Floor } from './check-floors.ts'
import { clientRow, clientTable } from './client-table.ts'
import { describeCommit, describeMachine, describeVersions } from './describe-machine.ts'
import floors from './floors.json' with { type: 'json' }
import { notMeasured, performanceTables } from './performance-tables.ts'
import { prepareTopics } from './prepare-topics.ts'
import { readArguments, usage, type BenchArguments } from './read-arguments.ts'
import { recordReport, renderReport } from './record-results.ts'
import { computeRatios, type Report } from './results.ts'
import { runBenchmark, type Plan } from './run-benchmark.ts'
import { runJob } from './run-job.ts'
import { workTable, type Work } from './work-table.ts'

interface Named {
  readonly name: string
  readonly isExtra?: boolean
}

const root = fileURLToPath(new URL('../../', import.meta.url))

try {
  if (process.argv.includes('--help')) process.stdout.write(usage)
  else process.exitCode = await main(readArguments(process.argv.slice(2)))
} catch (error) {
  // What is missing and how to get it is in the message; a stack would only bury it.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main(args: BenchArguments): Promise<number> {
  if (args.isRendering) {
    renderReport()
    return 0
  }
  // What is asked for by name is not left out for being extra.
  const chosen = (row: Named, parts: readonly string[]): boolean =>
    parts.length > 0 ? parts.some((part) => row.name.includes(part)) : !(args.isQuick && row.isExtra)
  const works = workTable.filter((work) => chosen(work, args.only))
  const clients = clientTable.filter((client) => chosen(client, args.clients))
  if (works.length === 0) throw new Error(`no work is called ${args.only.join(', ')}; there are ${names(workTable)}`)
  if (clients.length === 0)
    throw new Error(`no client is called ${args.clients.join(', ')}; there are ${names(clientTable)}`)
  const report = await measure(args, works, clients)
  // A peer that fails is a finding; ours that fails is a bug.
  if (report.failures.some(({ client }) => clientRow(client).isOurs)) return 1
  const isMissed = checkFloors(floors as readonly Floor[], report).some(({ verdict }) => verdict === 'fails')
  return args.isChecking && isMissed ? 1 : 0
}

async function measure(args: BenchArguments, works: readonly Work[], clients: Plan['clients']): Promise<Report> {
  const startedAt = performance.now()
  const machine = describeMachine()
  const note = (line: string): void => {
    const seconds = String(Math.round((performance.now() - startedAt) / 1000)).padStart(4)
    process.stderr.write(`${seconds} s  ${line}\n`)
  }
  await installDependencies(fileURLToPath(new URL('.', import.meta.url)), createProgress())
  note(Object.values(machine).join(', '))
  note('building postrider into dist')
  execFileSync('node', ['scripts/build.mjs'], { cwd: root, stdio: ['ignore', 2, 2] })

  await using kafka = args.brokers === undefined ? await startOwnKafka(note) : undefined
  const brokers = args.brokers ?? kafka!.bootstrap
  const topicOf = prepareTopics(brokers, runJob, note)
  const plan = { works, clients, brokers, topicOf, run: runJob, onProgress: note }
  const { results, failures } = await runBenchmark(plan, args)
  const report: Report = {
    recordedAt: new Date().toISOString().slice(0, 10),
    commit: describeCommit(),
    isQuick: args.isQuick,
    machine: { ...machine, kafka: kafka ? 'Kafka beside it, one broker' : 'Kafka elsewhere' },
    versions: describeVersions(kafka?.version ?? 'unknown'),
    failures,
    ratios: computeRatios(results),
    results,
  }
  show(report)
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`)
  if (args.isRecording) {
    recordReport(report)
    renderReport()
  }
  return report
}

async function startOwnKafka(note: (line: string) => void) {
  const kafka = await startKafka({
    javaOptions: ['-Xmx1g'],
    config: { 'log.retention.check.interval.ms': 5_000, 'log.segment.delete.delay.ms': 1_000 },
    onProgress: note,
  })
  note(`Apache Kafka ${kafka.version} is up on ${kafka.bootstrap}`)
  return kafka
}

function show(report: Report): void {
  for (const [name, table] of Object.entries(performanceTables(report))) {
    if (table !== notMeasured) process.stdout.write(`\n${name}\n\n${table}\n`)
  }
  for (const { work, client, reason } of report.failures) process.stdout.write(`${work} ${client} failed: ${reason}\n`)
}

function names(rows: readonly Named[]): string {
  return rows.map(({ name }) => name).join(', ')
}
