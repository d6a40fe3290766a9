import { setTimeout as delay } from 'node:timers/promises'
import type { DriverConsumer } from '../../driver/driver-consumer.ts'
import { isMessagingError, MessagingError } from '../../errors/messaging-error.ts'
import type { ClientTransaction, TransactionRunner, TransactionSends } from '../../factory/transaction.ts'
import { TransactionFailure } from '../handling/failure.ts'

const longestWaitMs = 5_000

export interface PartitionTransactionsParts {
  readonly topic: string
  readonly partition: number
  readonly runner: TransactionRunner
  /** undefined while there is none. */
  readonly consumer: () => DriverConsumer | undefined
  /** Aborts when the partition is given up. */
  readonly signal: AbortSignal
  /** Resolves when no commit outside of transactions is under way. */
  readonly commitsSettled: () => Promise<void>
  /** It cannot be found out now whether a transaction was committed. */
  readonly onUncertain: (error: MessagingError) => void
  /** The group’s offset is this one now. */
  readonly onCommitted: (offset: number) => void
}

/** Transactions of one partition, one at a time: what is sent and how far the partition is handled become visible together. */
export class PartitionTransactions {
  readonly #parts: PartitionTransactionsParts
  #isOpen = false

  constructor(parts: PartitionTransactionsParts) {
    this.#parts = parts
  }

  /** The offset is with a transaction, or may be: a commit beside it could win over it. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * Commits what `work` sends together with `nextOffset`; aborts where the partition is given up before.
   * @throws what `work` throws, a TransactionFailure where no message is to blame, an AbortError after `signal`
   */
  async run(nextOffset: number, work: (transaction: ClientTransaction) => Promise<unknown>): Promise<void> {
    const { runner, signal, onCommitted } = this.#parts
    signal.throwIfAborted()
    this.#isOpen = true
    let stage: Stage = 'beginning'
    let working: Promise<unknown> | undefined
    try {
      await runner.run(async (transaction) => {
        stage = 'working'
        working = work(transaction)
        await untilAborted(working, signal)
        stage = 'committing'
        await this.#sendOffset(nextOffset, transaction)
      })
      onCommitted(nextOffset)
    } catch (error) {
      signal.throwIfAborted()
      // It may go on after the transaction took too long, and two of one partition never run at a time.
      await Promise.resolve(working).catch(() => undefined)
      if (mayBeCommitted(stage, error) && (await this.#isCommitted(nextOffset))) onCommitted(nextOffset)
      else throw isMessagingError(error) && isNobodysFault(stage, error) ? new TransactionFailure(error) : error
    } finally {
      // Of what was given up nothing more is committed, whatever becomes of its transaction.
      this.#isOpen = signal.aborted
    }
  }

  async #sendOffset(offset: number, transaction: ClientTransaction): Promise<void> {
    const { topic, partition, signal, consumer, commitsSettled } = this.#parts
    await commitsSettled()
    signal.throwIfAborted()
    await transaction.sendOffsets([{ topic, partition, offset }], consumer())
    // While the broker has an offset that is not settled, no other member starts in the partition. It was ours until then.
    signal.throwIfAborted()
  }

  /** Asks until there is an answer: under the same identity what the last transaction left open is ended first. */
  async #isCommitted(nextOffset: number): Promise<boolean> {
    const { topic, partition, runner, signal, consumer, onUncertain } = this.#parts
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        await runner.prepare()
        const [position] = (await consumer()?.committed([{ topic, partition }])) ?? []
        if (position !== undefined) return position.offset >= nextOffset
      } catch (error) {
        if (!isMessagingError(error)) throw error
        onUncertain(error)
        await untilAborted(delay(Math.min(longestWaitMs, 100 * 2 ** attempt)), signal)
      }
    }
  }
}

/** How far a transaction has come. */
type Stage = 'beginning' | 'working' | 'committing'

/** Rejects when the signal aborts, whatever the promise does. */
async function untilAborted(working: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([working, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function mayBeCommitted(stage: Stage, error: unknown): boolean {
  return stage === 'committing' && !(isMessagingError(error) && error.code === 'TRANSACTION_ABORTED')
}

/** The broker or the client failed: another attempt may help, and a dead letter would help nobody. */
function isNobodysFault(stage: Stage, error: MessagingError): boolean {
  const failures = error.failures ?? []
  const isClientLost = [error, ...failures.map((failure) => failure.error)].some(
    ({ code }) => code === 'PRODUCER_FENCED' || code === 'PRODUCER_FATAL',
  )
  return isClientLost || (stage !== 'working' && (failures.length === 0 || error.retriable))
}

/** For handlers whose manifest has another mode. */
export function refuseTransaction(manifest: string, commit: string): TransactionSends {
  const refuse = (): Promise<never> => {
    const reason = `there is none where commit is '${commit}'; set it to 'transaction'`
    return Promise.reject(
      new MessagingError('INPUT_INVALID', { source: 'context.transaction', reason }, { manifest, outcome: 'not_sent' }),
    )
  }
  return { send: refuse, sendMany: refuse, tombstone: refuse }
}
