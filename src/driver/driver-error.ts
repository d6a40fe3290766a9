import { MessagingError, type ErrorContext } from '../errors/messaging-error.ts'
import type { DriverFailure } from './driver.ts'

/** The error that leaves the SDK for a failure a driver reports. */
export function createDriverError(failure: DriverFailure, context: ErrorContext = {}): MessagingError {
  const { code, reason, driverCode, outcome, retriable } = failure
  return new MessagingError(code, { reason }, { driverCode, outcome, retriable, ...context })
}
