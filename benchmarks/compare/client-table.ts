import { consumerTable } from './consumer-table.ts'
import type { ClientSettings } from './measured-client.ts'
import { isConsuming, type Work } from './work-table.ts'

export interface ClientRow {
  /** As it appears in results. */
  readonly name: string
  /** As it appears in charts and tables. */
  readonly title: string
  /** The file in clients/, or in consumers/. */
  readonly module: string
  readonly settings: ClientSettings
  /** How it is set, and whether it is idempotent, for readers. */
  readonly note: string
  /** One of ours: the others are what it is compared with. */
  readonly isOurs?: boolean
  /** Rows of one family are settings of one client: the best of them at each work stands for it. */
  readonly family?: string
  /** Each work names the roles that take part in it. */
  readonly role:
    'ours' | 'raw' | 'raw-setting' | 'peer' | 'tuned-peer' | 'many-manifests' | 'by-message' | 'avro' | 'avsc'
  /** It takes part in works that consume; the others in those that produce. */
  readonly consumes?: boolean
  /** Left out by --quick. */
  readonly isExtra?: boolean
}

/** The raw client is tried with each of these where messages can wait for company; the first is what a lone caller needs. */
const rawSettings: readonly (readonly [lingerMs: number, inFlight: number])[] = [
  [0, 5],
  [0, 1],
  [0.2, 5],
  [0.2, 1],
  [0.5, 5],
  [0.5, 1],
  [1, 5],
  [5, 5],
]

/** Who is compared. A new client is one row, and a file in clients/ if no file there can make it. */
export const clientTable: readonly ClientRow[] = [
  {
    name: 'postrider',
    title: 'postrider',
    module: 'postrider',
    settings: {},
    note: 'the native driver, no settings; idempotent',
    isOurs: true,
    role: 'ours',
  },
  {
    name: 'postrider-platformatic',
    title: 'postrider, driver platformatic',
    module: 'postrider',
    settings: { driver: 'platformatic' },
    note: "`driver: 'platformatic'`, no other settings",
    isOurs: true,
    role: 'ours',
  },
  {
    name: 'postrider-1000-manifests',
    title: 'postrider, 1,000 manifests',
    module: 'postrider',
    settings: { manifests: 1000 },
    note: 'the native driver; sends go through 1,000 manifests in turn',
    isOurs: true,
    role: 'many-manifests',
  },
  ...rawSettings.map(([lingerMs, inFlight], index): ClientRow => {
    const setting = `linger ${lingerMs} ms, ${inFlight} in flight`
    return {
      name: `raw-linger-${lingerMs}-in-flight-${inFlight}`,
      title: `Confluent callback API, ${setting}`,
      module: 'confluent-callback',
      settings: { 'linger.ms': lingerMs, 'max.in.flight.requests.per.connection': inFlight },
      note: `\`getClient().produce\`, opaque, \`dr_cb\`, polling in the background; ${setting}; idempotent`,
      family: 'raw',
      role: index === 0 ? 'raw' : 'raw-setting',
      isExtra: inFlight === 1 || lingerMs > 1,
    }
  }),
  {
    name: 'confluent-kafkajs',
    title: 'Confluent KafkaJS API',
    module: 'confluent-kafkajs',
    settings: {},
    note: 'as it comes; idempotent',
    role: 'peer',
  },
  {
    name: 'confluent-kafkajs-tuned',
    title: 'Confluent KafkaJS API, tuned',
    module: 'confluent-kafkajs',
    settings: { 'linger.ms': 0, 'max.in.flight.requests.per.connection': 5 },
    note: '`linger.ms` 0, as its guide says for awaited sends, and 5 in flight; idempotent',
    role: 'tuned-peer',
  },
  {
    name: 'kafkajs',
    title: 'kafkajs',
    module: 'kafkajs',
    settings: { idempotent: true },
    note: 'as it comes; idempotent, which its documentation calls experimental',
    role: 'peer',
  },
  {
    name: 'kafkajs-tuned',
    title: 'kafkajs, tuned',
    module: 'kafkajs',
    settings: { maxInFlightRequests: 5, allowAutoTopicCreation: false },
    note: '`maxInFlightRequests` 5, no topic creation; **not idempotent**',
    role: 'tuned-peer',
  },
  {
    name: 'platformatic',
    title: '@platformatic/kafka',
    module: 'platformatic',
    settings: {},
    note: 'as it comes, but acks all; idempotent, for which it keeps to 1 in flight',
    role: 'peer',
  },
  {
    name: 'platformatic-tuned',
    title: '@platformatic/kafka, tuned',
    module: 'platformatic',
    settings: { stream: true },
    note: 'awaited sends by its producer stream, batches of half of the callers, delivery reports by message; idempotent',
    role: 'tuned-peer',
  },
  ...consumerTable,
]

export function takesPart(row: ClientRow, work: Work): boolean {
  return isConsuming(work) === (row.consumes ?? false) && work.roles.includes(row.role)
}

/** What ours is compared with: each row, or the family it stands for. */
export function opponentOf(row: ClientRow): string {
  return row.family ?? row.name
}

export function clientRow(name: string): ClientRow {
  const row = clientTable.find((row) => row.name === name)
  if (row === undefined) throw new Error(`the table of clients has no row ${name}`)
  return row
}
