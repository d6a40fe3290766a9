import { isMessagingError, type MessagingError } from '../src/errors/messaging-error.ts'

/** What `action` throws or rejects with; fails when it does neither, or with anything but a MessagingError. */
export function catchError(action: () => unknown): MessagingError {
  try {
    action()
  } catch (error) {
    if (isMessagingError(error)) return error
    throw new Error('threw something that is no MessagingError', { cause: error })
  }
  throw new Error('did not throw')
}

export async function catchRejection(promise: Promise<unknown>): Promise<MessagingError> {
  try {
    await promise
  } catch (error) {
    if (isMessagingError(error)) return error
    throw new Error('rejected with something that is no MessagingError', { cause: error })
  }
  throw new Error('did not reject')
}
