import type { Field } from './field.ts'

/** Where a consumer starts to read. Times are the first message that is not older (ms since 1970). */
export type StartFrom =
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  /** So long before the start. */
  | { readonly agoMs: number }
  /** By partition. */
  | { readonly offsets: Readonly<Record<number, number>> }

/**
 * A text is a time with its zone or a duration as in ISO 8601: `2026-11-01T08:00:00Z`, or `PT1H`, an hour before the start.
 * In a list of offsets the first is that of partition 0.
 */
export type StartFromInput =
  | 'earliest'
  | 'latest'
  | (string & Record<never, never>)
  | Date
  | { readonly timestamp: number | string | Date }
  | { readonly agoMs: number }
  | { readonly offsets: readonly number[] | Readonly<Record<number, number>> }

/** Which partitions are read without joining a group: all of each topic, these of each, or by topic. */
export type PartitionChoice = readonly number[] | 'all' | Readonly<Record<string, readonly number[] | 'all'>>

/** 2^31 - 1, as brokers number partitions. */
const highestPartition = 2_147_483_647

export function startPosition<Default extends StartFrom>(given: {
  readonly default: Default
  readonly doc: string
}): Field<StartFrom, StartFromInput> & { readonly default: StartFrom } {
  return {
    type: '"earliest", "latest", a Date, a time with its zone or a duration back (ISO 8601), { timestamp }, { agoMs } or { offsets } by partition',
    accept: acceptStart,
    parse: parseObject,
    ...given,
  }
}

/** In the environment `all`, numbers and ranges (`0,2,4-7`), or JSON. */
export function partitionChoice(given: { readonly doc: string }): Field<PartitionChoice> {
  return {
    type: '"all", a list of partitions, or either by topic',
    accept: acceptPartitions,
    parse: (text) => (text === 'all' ? text : (parseRanges(text) ?? parseObject(text))),
    ...given,
  }
}

function acceptStart(value: unknown): StartFrom | undefined {
  if (value === 'earliest' || value === 'latest') return value
  if (typeof value === 'string') {
    const agoMs = parseDuration(value)
    return agoMs === undefined ? acceptTime(value) : Object.freeze({ agoMs })
  }
  if (value instanceof Date) return acceptTime(value)
  if (typeof value !== 'object' || value === null) return undefined
  const [entry, ...others] = Object.entries(value) as [string, unknown][]
  if (entry === undefined || others.length > 0) return undefined
  const [kind, given] = entry
  if (kind === 'timestamp') return acceptTime(given)
  if (kind === 'agoMs') return isOffset(given) ? Object.freeze({ agoMs: given }) : undefined
  return kind === 'offsets' ? acceptOffsets(given) : undefined
}

function acceptTime(value: unknown): StartFrom | undefined {
  // Without its zone a time would mean another moment on each machine.
  const isExact =
    typeof value !== 'string' || /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(value)
  const timestamp =
    value instanceof Date ? value.getTime() : typeof value === 'string' && isExact ? Date.parse(value) : value
  return isOffset(timestamp) ? Object.freeze({ timestamp }) : undefined
}

function acceptOffsets(value: unknown): StartFrom | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const entries = Object.entries(value) as [string, unknown][]
  if (
    entries.length === 0 ||
    !entries.every(([partition, offset]) => isPartition(Number(partition)) && isOffset(offset))
  )
    return undefined
  return Object.freeze({ offsets: Object.freeze(Object.fromEntries(entries) as Record<number, number>) })
}

function acceptPartitions(value: unknown): PartitionChoice | undefined {
  const list = acceptPartitionList(value)
  if (list !== undefined) return list
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value).map(([topic, partitions]) => [topic, acceptPartitionList(partitions)] as const)
  if (entries.length === 0 || entries.some(([, partitions]) => partitions === undefined)) return undefined
  return Object.freeze(Object.fromEntries(entries)) as PartitionChoice
}

function acceptPartitionList(value: unknown): readonly number[] | 'all' | undefined {
  if (value === 'all') return value
  if (!Array.isArray(value) || value.length === 0 || !value.every(isPartition)) return undefined
  return Object.freeze([...new Set(value)])
}

function isPartition(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= highestPartition
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parseDuration(text: string): number | undefined {
  const parts = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/.exec(text)
  if (parts === null) return undefined
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ]
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
}

function parseRanges(text: string): readonly number[] | undefined {
  if (!/^\d+(-\d+)?(\s*,\s*\d+(-\d+)?)*$/.test(text)) return undefined
  return text.split(',').flatMap((range) => {
    const [first, last = first] = range.trim().split('-').map(Number) as [number, number?]
    // A range that is none gives a list that is refused.
    return last < first || last - first > 100_000
      ? [Number.NaN]
      : Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

function parseObject(text: string): unknown {
  try {
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text
  } catch {
    return text
  }
}
