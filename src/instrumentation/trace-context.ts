/** The header names of W3C Trace Context (https://www.w3.org/TR/trace-context/). */
export const traceparentHeader = 'traceparent'
export const tracestateHeader = 'tracestate'

/** Name and value, as drivers carry them. */
export type TraceHeader = readonly [name: string, value: Buffer]

/** Where a message comes from; fits OpenTelemetry’s `SpanContext`, for links. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** Bit 0: the sender samples this trace. */
  readonly traceFlags: number
  readonly isRemote: true
  /** The `tracestate` header as it came. */
  readonly tracestate: string | undefined
}

// A version above 00 may say more after the flags; version ff is forbidden.
const traceparent =
  /^(?!ff)(?<version>[\da-f]{2})-(?!0{32})(?<traceId>[\da-f]{32})-(?!0{16})(?<spanId>[\da-f]{16})-(?<flags>[\da-f]{2})(?<rest>-.*)?$/

/** The trace context in the headers of a message; undefined where there is none, or none that can be read. Never throws. */
export function extractTraceContext(
  headers: Iterable<readonly [name: string, value: Uint8Array | string | null | undefined]> | undefined,
): TraceContext | undefined {
  let parent: string | undefined
  let tracestate: string | undefined
  for (const [name, value] of headers ?? []) {
    if (value === null || value === undefined) continue
    // The first one counts: a second traceparent is not defined, and may have been added on the way.
    if (name === traceparentHeader) parent ??= decode(value)
    // The specification joins several to one.
    else if (name === tracestateHeader)
      tracestate = tracestate === undefined ? decode(value) : `${tracestate},${decode(value)}`
  }
  const found = parent === undefined ? undefined : traceparent.exec(parent.trim())?.groups
  if (!found || (found['version'] === '00' && found['rest'] !== undefined)) return undefined
  const traceFlags = Number.parseInt(found['flags']!, 16)
  return { traceId: found['traceId']!, spanId: found['spanId']!, traceFlags, isRemote: true, tracestate }
}

/** @param context one that is valid */
export function formatTraceparent(context: {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}): string {
  return `00-${context.traceId}-${context.spanId}-${(context.traceFlags & 0xff).toString(16).padStart(2, '0')}`
}

function decode(value: Uint8Array | string): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('latin1')
}
