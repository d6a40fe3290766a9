import type { ClientRow } from './client-table.ts'

/** What a run of one client at one work comes to. */
export type Measure = keyof typeof measures

export const measures = {
  perSecond: { better: 'higher', unit: 'messages/s' },
  p50Ms: { better: 'lower', unit: 'ms' },
  p99Ms: { better: 'lower', unit: 'ms' },
  /** Of all threads of the process, over the measured window. */
  cpuSeconds: { better: 'lower', unit: 's' },
  cpuMicros: { better: 'lower', unit: 'µs of CPU a message' },
  /** Of the thread that runs JavaScript only. */
  threadMicros: { better: 'lower', unit: 'µs of the main thread a message' },
  rssMb: { better: 'lower', unit: 'MB' },
  startMs: { better: 'lower', unit: 'ms' },
  /** From being assigned to having handled the last message. */
  doneMs: { better: 'lower', unit: 'ms' },
  /** Memory at the end against memory half-way. */
  rssGrowth: { better: 'lower', unit: 'times' },
  /** CPU of a message in the second half against the first, warm-up aside. */
  costGrowth: { better: 'lower', unit: 'times' },
} as const satisfies Readonly<Record<string, { better: 'higher' | 'lower'; unit: string }>>

export type Figures = Partial<Readonly<Record<Measure, number>>>

export type WorkKind =
  | 'send'
  | 'batch'
  | 'dispatch'
  | 'memory'
  | 'cold-start'
  | 'import'
  | 'fill'
  | 'consume'
  | 'consume-first'
  | 'consume-latency'
  | 'consume-backlog'

export interface Work {
  readonly name: string
  readonly title: string
  readonly kind: WorkKind
  /** What clients are compared by. */
  readonly measure: Measure
  readonly callers: number
  /** Messages handed over by one call. */
  readonly batch: number
  readonly bytes: number
  /** What the bytes are. Default: text. */
  readonly values?: 'orders'
  /** How many messages its topic is filled with, once for all runs; 'all' is as many as the benchmark was told. */
  readonly filledWith?: number | 'all'
  readonly partitions: 1 | 12
  readonly roles: readonly ClientRow['role'][]
  /** Left out by --quick. */
  readonly isExtra?: boolean
  /** Takes so long that it runs once. */
  readonly runsOnce?: boolean
}

const best = ['ours', 'raw', 'tuned-peer'] as const
const usual = [...best, 'peer'] as const
const withRawSettings = [...usual, 'raw-setting'] as const
const basic = { measure: 'perSecond', batch: 1, callers: 1, bytes: 256, partitions: 1, roles: usual } as const
const burst = 5_000

function awaited(callers: number, more: Partial<Work> = {}): Work {
  const { bytes = basic.bytes, partitions = basic.partitions } = more
  const variant = variantName(bytes, partitions)
  return {
    ...basic,
    name: `produce-${callers}${variant.name}`,
    title: `${callers.toLocaleString('en')} awaited caller${callers === 1 ? '' : 's'}${variant.title}`,
    kind: 'send',
    callers,
    ...more,
  }
}

function batches(more: Partial<Work> = {}): Work {
  const { bytes = basic.bytes, partitions = basic.partitions } = more
  const variant = variantName(bytes, partitions)
  return {
    ...basic,
    name: `produce-batches${variant.name}`,
    title: `batches of 100, 10 callers${variant.title}`,
    kind: 'batch',
    callers: 10,
    batch: 100,
    ...more,
  }
}

/** As many as the fastest take in a run. */
const filledWith = 2_000_000

function consuming(more: Partial<Work> = {}): Work {
  const { bytes = basic.bytes, partitions = basic.partitions } = more
  const variant = variantName(bytes, partitions)
  return {
    ...basic,
    name: `consume${variant.name}`,
    title: `from the earliest, one member${variant.title}`,
    kind: 'consume',
    roles: ['ours', 'by-message', 'raw', 'raw-setting', 'peer', 'tuned-peer'],
    filledWith,
    ...more,
  }
}

export function isConsuming({ kind }: Work): boolean {
  return kind.startsWith('consume')
}

function variantName(bytes: number, partitions: number): { name: string; title: string } {
  if (partitions > 1) return { name: `-${partitions}-partitions`, title: `, ${partitions} partitions` }
  if (bytes === basic.bytes) return { name: '', title: '' }
  const size = bytes < 1000 ? `${bytes} B` : `${bytes / 1000} KB`
  return { name: `-${size.replace(' ', '').toLowerCase()}`, title: `, ${size}` }
}

/** What is measured. Sends with acks=all; 256 bytes and one partition unless the name says otherwise. */
export const workTable: readonly Work[] = [
  awaited(1, { measure: 'p50Ms' }),
  ...[10, 100, 1000].map((callers) => awaited(callers, { roles: withRawSettings })),
  batches(),
  { ...basic, name: 'produce-dispatch', title: 'fire and forget', kind: 'dispatch', batch: burst },
  ...[100, 1000, 10_000].flatMap((bytes) => [
    awaited(100, { bytes, isExtra: true, roles: best }),
    batches({ bytes, isExtra: true, roles: best }),
  ]),
  awaited(1000, { partitions: 12, isExtra: true, roles: best }),
  batches({ partitions: 12, isExtra: true, roles: best }),
  awaited(100, {
    name: 'manifests',
    title: '1,000 manifests, 100 awaited callers',
    measure: 'cpuMicros',
    roles: ['ours', 'many-manifests'],
  }),
  // Settings make no difference to what is loaded.
  {
    ...basic,
    name: 'import',
    title: 'import',
    kind: 'import',
    measure: 'startMs',
    roles: ['ours', 'raw', 'peer'],
  },
  {
    ...basic,
    name: 'cold-start',
    title: 'cold start to the first acknowledgement',
    kind: 'cold-start',
    measure: 'startMs',
  },
  awaited(1000, {
    name: 'memory',
    title: 'memory over many messages, 1,000 awaited callers',
    kind: 'memory',
    measure: 'rssMb',
    roles: ['ours', 'raw'],
    runsOnce: true,
    isExtra: true,
  }),
  consuming(),
  consuming({ partitions: 12 }),
  consuming({
    name: 'consume-avro',
    title: 'from the earliest, orders in Avro',
    values: 'orders',
    roles: ['avro', 'avsc'],
  }),
  consuming({
    name: 'consume-first',
    title: 'the first 10,000 messages after assignment',
    kind: 'consume-first',
    measure: 'doneMs',
    batch: 10_000,
    roles: ['ours', 'raw', 'raw-setting', 'peer'],
  }),
  {
    ...basic,
    name: 'consume-latency',
    title: 'from send to handler',
    kind: 'consume-latency',
    measure: 'p50Ms',
    roles: ['by-message', 'raw-setting', 'peer'],
  },
  consuming({
    name: 'consume-backlog',
    title: 'memory over a long backlog',
    kind: 'consume-backlog',
    measure: 'rssMb',
    filledWith: 'all',
    roles: ['ours', 'raw-setting'],
    runsOnce: true,
    isExtra: true,
  }),
]
