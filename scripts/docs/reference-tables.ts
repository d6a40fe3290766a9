import { consumingChart, performanceTables } from '../../benchmarks/compare/performance-tables.ts'
import { readReport } from '../../benchmarks/compare/record-results.ts'
import { environmentName } from '../../src/config/environment.ts'
import type { Field } from '../../src/config/field.ts'
import { consumerManifestFields, fields, manifestFields } from '../../src/config/fields.ts'
import { listFields } from '../../src/config/list-fields.ts'
import { errorCodes } from '../../src/errors/codes.ts'
import { events } from '../../src/instrumentation/events.ts'
import { metricRows } from '../../src/instrumentation/metrics.ts'
import { markdownTable } from './markdown-table.ts'
import { readPayloads } from './read-payloads.ts'

/** The tables of each page, by the name of their place in it. */
export function createReferenceTables(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const report = readReport()
  return {
    'docs/configuration.md': {
      instance: fieldTable(listFields(fields).filter(([path]) => !/^(producer|consumer)\./.test(path))),
      producer: fieldTable(listFields(manifestFields), 'producer.'),
      consumer: fieldTable(listFields(consumerManifestFields), 'consumer.'),
    },
    'docs/errors.md': { codes: codeTable() },
    'docs/events.md': { events: eventTable() },
    'docs/metrics.md': { metrics: metricTable() },
    'docs/performance.md': { ...performanceTables(report), 'consume-chart': consumingChart(report) },
  }
}

/** @param prefix of the paths that environment variables are named after */
function fieldTable(rows: readonly (readonly [path: string, field: Field<unknown>])[], prefix = ''): string {
  return markdownTable(
    ['Field', 'Accepts', 'Default', 'Environment', 'Meaning'],
    rows.map(([path, field]) => [
      code(path),
      field.type,
      showDefault(field.default),
      environmentOf(`${prefix}${path}`, field),
      field.doc,
    ]),
  )
}

function environmentOf(path: string, { env }: Field<unknown>): string {
  if (env === false) return '–'
  const own = code(environmentName(path))
  return env === undefined ? own : `${own}, else ${code(env)}`
}

function showDefault(value: unknown): string {
  return value === undefined ? '–' : code(typeof value === 'string' && value !== '' ? value : JSON.stringify(value))
}

function codeTable(): string {
  return markdownTable(
    ['Code', 'Retriable', 'Usual outcome', 'Raised when', 'What to do'],
    Object.entries(errorCodes).map(([name, { retriable, outcome, raised, remedy }]) => [
      code(name),
      retriable ? 'yes' : 'no',
      code(outcome),
      raised,
      remedy,
    ]),
  )
}

function eventTable(): string {
  const payloads = readPayloads()
  return markdownTable(
    ['Event', 'Meaning', 'Payload'],
    Object.entries(events).map(([name, meaning]) => [
      code(name),
      meaning,
      (payloads.get(name) ?? [])
        .map(
          (field) =>
            `${code(`${field.name}: ${field.type}`)}${field.doc === '' ? '' : ` (${uncapitalize(field.doc)})`}`,
        )
        .join(', '),
    ]),
  )
}

function metricTable(): string {
  return markdownTable(
    ['Metric', 'Type', 'Unit', 'Tags', 'Fed by', 'Meaning'],
    metricRows.map(([name, metric]) => [
      code(name),
      metric.type,
      metric.unit,
      metric.tags.map(code).join(', '),
      metric.type === 'gauge' ? 'the open clients' : code(metric.event),
      metric.meaning,
    ]),
  )
}

function uncapitalize(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`
}

function code(text: string): string {
  return `\`${text}\``
}
