import { MessagingError, type ErrorContext } from '../errors/messaging-error.ts'
import { isTimeout, type SendManyOptions } from './send-options.ts'

/** Why a signal aborted: the time of the send is over. */
class DeadlinePassed extends Error {
  readonly timeoutMs: number

  constructor(timeoutMs: number) {
    super(`timeoutMs (${timeoutMs} ms) is over`)
    this.timeoutMs = timeoutMs
  }
}

/**
 * Gives `send` the options with `timeoutMs` made a signal, which aborts as the caller’s own does too.
 * So a deadline ends every wait that an abort can end: for the producer, for room, for the acknowledgement.
 */
export function sendInTime<Options extends SendManyOptions, Result>(
  options: Options | undefined,
  send: (options: Options | undefined) => Promise<Result>,
): Promise<Result> {
  // What is no time is refused with all other bad options, by the producer.
  if (options?.timeoutMs === undefined || !isTimeout(options.timeoutMs)) return send(options)
  const { timeoutMs, signal, ...rest } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) return send(options)
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new DeadlinePassed(timeoutMs)), timeoutMs)
  const onAbort = (): void => deadline.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  const sent = send({ ...rest, signal: deadline.signal } as unknown as Options)
  const settled = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  sent.then(settled, settled)
  return sent
}

/** The error of a send whose signal has aborted: SEND_ABORTED or SEND_ABANDONED, DELIVERY_TIMED_OUT after a deadline. */
export function createAbortError(
  code: 'SEND_ABORTED' | 'SEND_ABANDONED',
  signal: AbortSignal | undefined,
  context: ErrorContext & { readonly manifest: string },
): MessagingError {
  const cause: unknown = signal?.reason
  const { manifest } = context
  if (!(cause instanceof DeadlinePassed)) return new MessagingError(code, { manifest }, { ...context, cause })
  if (code === 'SEND_ABORTED') {
    const reason = `${cause.message}; the message was not handed to the driver, nothing was sent`
    return new MessagingError('DELIVERY_TIMED_OUT', { reason }, { ...context, outcome: 'not_sent' })
  }
  const reason = `${cause.message}; the driver has the message and may deliver it until deliveryTimeoutMs`
  return new MessagingError('DELIVERY_TIMED_OUT', { reason }, { ...context, outcome: 'unknown' })
}
