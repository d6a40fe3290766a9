import { AsyncLocalStorage } from 'node:async_hooks'
import { createDriverError } from '../driver/driver-error.ts'
import type { DriverFailure, DriverTransactions } from '../driver/driver.ts'
import { isMessagingError, MessagingError, type BatchFailure } from '../errors/messaging-error.ts'
import type { ClientTransaction } from '../factory/transaction.ts'
import { channels } from '../instrumentation/events.ts'
import { withinTime } from '../timing/within-time.ts'
import type { ConnectedClient } from './client-pool.ts'
import type { MessageSender } from './message-sender.ts'
import { OpenTransaction } from './transaction.ts'

export interface TransactionsParts {
  readonly instance: () => string
  readonly sender: MessageSender
  /** The client of the configured transactional id. @throws MessagingError */
  readonly connect: () => Promise<{ readonly connected: ConnectedClient; readonly timeoutMs: number }>
  /** Lets go of a client that can send no more, or of which nobody knows what it would send. */
  readonly discard: (connected: ConnectedClient) => void
  /** Lets go of one that is not needed any more. */
  readonly release: (connected: ConnectedClient) => void
  /** @throws REGISTRY_CLOSED */
  readonly assertOpen: () => void
}

const retryMs = 100

/** Runs transactions, one at a time: a transactional client has one of them open at most. */
export class Transactions {
  readonly #parts: TransactionsParts
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #within: AsyncLocalStorage<OpenTransaction> | undefined
  #connected: ConnectedClient | undefined

  constructor(parts: TransactionsParts) {
    this.#parts = parts
  }

  /** Whether one is open or waits to be. */
  get isBusy(): boolean {
    return this.#waiting > 0
  }

  /** Resolves when all that were asked for have ended. */
  async ended(): Promise<void> {
    await this.#last
  }

  /** Connects, unless it is. @throws as the first transaction */
  async prepare(): Promise<void> {
    this.#parts.assertOpen()
    await this.#connect()
  }

  /** Lets go of the client where no transaction needs it. */
  letGo(): void {
    if (this.#connected && !this.isBusy) this.#parts.release(this.#connected)
  }

  async run<Result>(work: (transaction: ClientTransaction) => Promise<Result> | Result): Promise<Result> {
    this.#parts.assertOpen()
    if (this.#within?.getStore()?.isOpen) {
      const reason = 'a transaction cannot be begun inside another one, which it would wait for'
      throw new MessagingError('TRANSACTION_INVALID', { reason }, { outcome: 'not_sent' })
    }
    this.#waiting++
    const turn = this.#last.then(() => this.#run(work)).finally(() => this.#waiting--)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #run<Result>(work: (transaction: ClientTransaction) => Promise<Result> | Result): Promise<Result> {
    this.#parts.assertOpen()
    const startedAt = performance.now()
    const { connected, transactions, timeoutMs } = await this.#connect()
    const until = startedAt + timeoutMs
    const failedToBegin = await retry(() => transactions.begin(), until)
    if (failedToBegin) {
      this.#parts.discard(connected)
      throw createDriverError({ ...failedToBegin, outcome: 'not_sent' })
    }

    const transaction = new OpenTransaction(connected.client, this.#parts.sender, async (offsets, consumer) => {
      const failure = await retry(() => transactions.sendOffsets(offsets, consumer), until)
      if (failure) throw createDriverError(failure)
    })
    this.#within ??= new AsyncLocalStorage()
    let result: Result
    try {
      result = await this.#within.run(transaction, () => doneWithin(work, transaction, timeoutMs))
      await transaction.end()
      if (transaction.failures.length > 0) throw createSendsError(transaction.failures)
    } catch (error) {
      const failure = await this.#abort(connected, transactions, transaction, timeoutMs)
      throw this.#aborted(transaction, startedAt, isMessagingError(error) ? (failure ?? error) : error)
    }
    const failure = await retry(() => transactions.commit(), until)
    if (failure) {
      const error = await this.#notCommitted(connected, transactions, transaction, failure, timeoutMs)
      throw this.#aborted(transaction, startedAt, error)
    }
    const channel = channels['transaction.committed']
    if (channel.hasSubscribers) {
      const durationMs = performance.now() - startedAt
      channel.publish({ instance: this.#parts.instance(), sends: transaction.sends, durationMs })
    }
    return result
  }

  async #connect(): Promise<{ connected: ConnectedClient; transactions: DriverTransactions; timeoutMs: number }> {
    const { connected, timeoutMs } = await this.#parts.connect()
    this.#connected = connected
    const { transactions } = connected.driver
    if (transactions !== undefined) return { connected, transactions, timeoutMs }
    const reason = `the driver ${connected.driverName} has no transactions`
    this.#parts.discard(connected)
    throw new MessagingError('TRANSACTION_INVALID', { reason }, { outcome: 'not_sent' })
  }

  /** What ends the client is told in place of what it made fail. */
  async #abort(
    connected: ConnectedClient,
    transactions: DriverTransactions,
    transaction: OpenTransaction,
    timeoutMs: number,
  ): Promise<MessagingError | undefined> {
    transaction.abort()
    const failure = await retry(() => transactions.abort(), performance.now() + timeoutMs)
    if (failure) this.#parts.discard(connected)
    await transaction.end()
    return failure?.fatal ? createDriverError(failure) : undefined
  }

  async #notCommitted(
    connected: ConnectedClient,
    transactions: DriverTransactions,
    transaction: OpenTransaction,
    failure: DriverFailure,
    timeoutMs: number,
  ): Promise<MessagingError> {
    if (failure.fatal || failure.retriable) {
      this.#parts.discard(connected)
      // Asked again in vain until the time was over: the broker may have committed.
      return createDriverError(failure.fatal ? failure : { ...failure, outcome: 'unknown', retriable: false })
    }
    const cause = createDriverError(failure)
    const fatal = await this.#abort(connected, transactions, transaction, timeoutMs)
    return fatal ?? new MessagingError('TRANSACTION_ABORTED', { reason: cause.message }, { cause })
  }

  #aborted(transaction: OpenTransaction, startedAt: number, error: unknown): unknown {
    const channel = channels['transaction.aborted']
    if (channel.hasSubscribers) {
      const durationMs = performance.now() - startedAt
      const told = isMessagingError(error)
        ? error
        : new MessagingError('TRANSACTION_ABORTED', { reason: 'its function threw' }, { cause: error })
      channel.publish({ instance: this.#parts.instance(), sends: transaction.sends, durationMs, error: told })
    }
    return error
  }
}

/** The work of a transaction, which ends with an error when it is not done in time. */
async function doneWithin<Result>(
  work: (transaction: ClientTransaction) => Promise<Result> | Result,
  transaction: ClientTransaction,
  timeoutMs: number,
): Promise<Result> {
  const done = (async () => work(transaction))()
  if (await withinTime(done, timeoutMs)) return done
  const reason = `it took longer than transactionTimeoutMs (${timeoutMs} ms)`
  throw new MessagingError('TRANSACTION_ABORTED', { reason })
}

async function retry(
  call: () => Promise<DriverFailure | undefined>,
  until: number,
): Promise<DriverFailure | undefined> {
  for (;;) {
    const failure = await call()
    if (!failure?.retriable || failure.fatal || performance.now() >= until) return failure
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

function createSendsError(failures: readonly BatchFailure[]): MessagingError {
  const { error: first } = failures[0]!
  const { manifest, topic, retriable } = first
  const reason = `${failures.length} of its sends failed; the first with ${first.code}: ${first.message}`
  return new MessagingError('TRANSACTION_ABORTED', { reason }, { manifest, topic, retriable, failures, cause: first })
}
