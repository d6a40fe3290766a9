import { parseTraceParent } from '@opentelemetry/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { SpanContext } from '@opentelemetry/api'
import { extractTraceContext, formatTraceparent, type TraceContext } from '../../src/instrumentation/trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const valid = `00-${traceId}-${spanId}-01`

describe('extractTraceContext', () => {
  test('reads what the headers of a message say', () => {
    const headers = [
      ['source', Buffer.from('web')],
      ['traceparent', Buffer.from(valid)],
      ['tracestate', Buffer.from('a=1')],
      ['tracestate', 'b=2'],
    ] as const
    const found = extractTraceContext(headers)
    expect(found).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true, tracestate: 'a=1,b=2' })
    expectTypeOf<TraceContext>().toExtend<SpanContext>()
  })

  test('without headers there is none', () => {
    expect(extractTraceContext(undefined)).toBeUndefined()
    expect(extractTraceContext([['tracestate', 'a=1']])).toBeUndefined()
    expect(extractTraceContext([['traceparent', null]])).toBeUndefined()
  })

  test.each([
    valid,
    ` ${valid} `,
    `00-${traceId}-${spanId}-00`,
    `01-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    '',
    'x'.repeat(100_000),
  ])('takes or refuses %.60j as OpenTelemetry does', (value) => {
    const { traceFlags } = parseTraceParent(value) ?? {}
    expect(extractTraceContext([['traceparent', value]])?.traceFlags).toBe(traceFlags)
  })
})

test('formatTraceparent writes what is read again', () => {
  expect(formatTraceparent({ traceId, spanId, traceFlags: 1 })).toBe(valid)
  expect(formatTraceparent({ traceId, spanId, traceFlags: 0 })).toBe(`00-${traceId}-${spanId}-00`)
})
