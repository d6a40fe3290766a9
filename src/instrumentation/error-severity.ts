import type { ErrorCode } from '../errors/codes.ts'

export type Severity = 'info' | 'warning' | 'error'

/** What is no plain `error`: conditions that usually pass by themselves, and what a caller chose. */
const severities: Partial<Readonly<Record<ErrorCode, Severity>>> = {
  SEND_ABORTED: 'info',
  SEND_ABANDONED: 'info',
  REGISTRY_CLOSED: 'info',
  GROUP_REJOIN_REQUIRED: 'info',
  BROKERS_UNREACHABLE: 'warning',
  BROKER_UNAVAILABLE: 'warning',
  NOT_ENOUGH_REPLICAS: 'warning',
  QUEUE_FULL: 'warning',
  REQUEST_TIMED_OUT: 'warning',
  SCHEMA_REGISTRY_UNREACHABLE: 'warning',
  SCHEMA_CACHE_FAILED: 'warning',
  SCHEMA_LOOKUPS_LIMITED: 'warning',
  FLUSH_TIMED_OUT: 'warning',
  COMMIT_FAILED: 'warning',
  CONSUMER_STUCK: 'warning',
  HANDLER_BLOCKED: 'warning',
}

/** How bad a failure with this code is. A code that the table does not name is an `error`. */
export function severityOf(code: ErrorCode): Severity {
  return severities[code] ?? 'error'
}
