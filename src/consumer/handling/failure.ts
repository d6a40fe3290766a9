import { describeType } from '../../encoding/codec.ts'
import { isMessagingError, MessagingError } from '../../errors/messaging-error.ts'
import { DecodingFailure } from './incoming-message.ts'

/** What broker or client did to a transaction, so that it is not taken for a failure of the handler. */
export class TransactionFailure extends Error {
  override readonly cause: MessagingError

  constructor(cause: MessagingError) {
    super('a transaction failed')
    this.cause = cause
  }
}

/** Why one message, or a batch, could not be handled. */
export interface Failure {
  readonly error: MessagingError
  /** What was thrown. */
  readonly thrown: unknown
  /**
   * `handler`: the retry policy decides; `undecodable`: no attempt will help; `not yet`: what is needed to decode it, such as
   * the schema registry, is not there now, or the broker ended its transaction.
   */
  readonly kind: 'handler' | 'undecodable' | 'not yet'
}

/** @param thrown by the handler, or a DecodingFailure or TransactionFailure */
export function createFailure(thrown: unknown, manifest: string, topic: string): Failure {
  if (thrown instanceof DecodingFailure) {
    const { cause } = thrown
    if (isMessagingError(cause))
      return { error: cause.of(manifest), thrown: cause, kind: cause.retriable ? 'not yet' : 'undecodable' }
    const parameters = { format: 'codec', reason: `the codec threw ${nameOfThrown(cause)}` }
    const error = new MessagingError('PAYLOAD_UNDECODABLE', parameters, { manifest, topic, cause })
    return { error, thrown: cause, kind: 'undecodable' }
  }
  if (thrown instanceof TransactionFailure)
    return { error: thrown.cause.of(manifest), thrown: thrown.cause, kind: 'not yet' }
  const error = new MessagingError(
    'HANDLER_FAILED',
    { manifest, reason: `it threw ${nameOfThrown(thrown)}` },
    { manifest, topic, cause: thrown },
  )
  return { error, thrown, kind: 'handler' }
}

/** Why something failed, to be put into the text of another error. */
export function reasonOf(thrown: unknown): string {
  return isMessagingError(thrown) ? thrown.message.replace(/\.$/, '') : nameOfThrown(thrown)
}

/** The code or class of what was thrown; its message may hold a payload. */
export function nameOfThrown(thrown: unknown): string {
  if (isMessagingError(thrown)) return thrown.code
  return thrown instanceof Error ? thrown.name : describeType(thrown)
}
