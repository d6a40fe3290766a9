import type { ErrorContext, MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import type { NativeError } from './native-module.ts'

/** What a call of the native package fails with, as it leaves the SDK. */
export function toDriverError({ code, message }: NativeError, context?: ErrorContext): MessagingError {
  // What the wrapper throws itself has no number.
  const failure =
    typeof code === 'number'
      ? classifyErrorNumber(code, message)
      : ({ code: 'DRIVER_FAILED', reason: message } as const)
  return createDriverError(failure, context)
}
