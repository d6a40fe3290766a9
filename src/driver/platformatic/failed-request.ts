import { MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import type { DriverFailure } from '../driver.ts'

/** A request that was answered with an error, on its way to whoever tells it. */
export class FailedRequest extends Error {
  readonly failure: DriverFailure
  readonly topic: string | undefined

  constructor(failure: DriverFailure, topic?: string) {
    super(failure.reason)
    this.failure = failure
    this.topic = topic
  }
}

/** The error that leaves the driver for whatever was thrown in it. */
export function toMessagingError(thrown: unknown, failureOf: (thrown: unknown) => DriverFailure): MessagingError {
  if (thrown instanceof MessagingError) return thrown
  return createDriverError(failureOf(thrown), { topic: thrown instanceof FailedRequest ? thrown.topic : undefined })
}
