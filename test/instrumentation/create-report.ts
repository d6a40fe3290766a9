import type { ErrorReport } from '../../src/instrumentation/error-notifier.ts'

export function createReport(given: Partial<ErrorReport> = {}): ErrorReport {
  return {
    code: 'DELIVERY_TIMED_OUT',
    message: 'Not acknowledged within the delivery timeout: too slow.',
    severity: 'error',
    source: 'dispatch',
    manifest: 'OrderPlaced',
    topic: 'orders.placed',
    partition: 3,
    outcome: 'unknown',
    retriable: true,
    driverCode: -192,
    driver: undefined,
    groupingHash: 'DELIVERY_TIMED_OUT:OrderPlaced',
    suppressed: 0,
    instance: 'instance',
    stack: undefined,
    ...given,
  }
}
