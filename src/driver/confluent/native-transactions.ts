import { createDriverError } from '../driver-error.ts'
import type { DriverFailure, DriverTransactions, TransactionIdentity } from '../driver.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import { ConfluentConsumer } from './confluent-consumer.ts'
import type { NativeError, NativeProducer } from './native-module.ts'

type Call = (done: (error: NativeError | null | undefined) => void) => void

/** One call may take so long; what is not done by then is retriable. */
const callTimeoutMs = 10_000

/** Transactions of a librdkafka producer with a `transactional.id`. */
export class NativeTransactions implements DriverTransactions {
  readonly #producer: NativeProducer
  /** Resolves when no call is under way. */
  #idle: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(producer: NativeProducer) {
    this.#producer = producer
  }

  /** Takes the identity over, which ends what an older producer left behind. @throws MessagingError */
  async init({ timeoutMs }: TransactionIdentity): Promise<void> {
    const failure = await this.#call((done) => this.#producer.initTransactions(timeoutMs, done))
    if (failure) throw createDriverError({ ...failure, outcome: 'not_sent' })
  }

  begin(): Promise<DriverFailure | undefined> {
    return this.#call((done) => this.#producer.beginTransaction(done))
  }

  commit(): Promise<DriverFailure | undefined> {
    return this.#call((done) => this.#producer.commitTransaction(callTimeoutMs, done))
  }

  abort(): Promise<DriverFailure | undefined> {
    return this.#call((done) => this.#producer.abortTransaction(callTimeoutMs, done))
  }

  sendOffsets(
    ...[offsets, consumer]: Parameters<DriverTransactions['sendOffsets']>
  ): Promise<DriverFailure | undefined> {
    const send = (native: unknown): Promise<DriverFailure | undefined> =>
      this.#call((done) => this.#producer.sendOffsetsToTransaction(offsets, native, callTimeoutMs, done))
    return consumer instanceof ConfluentConsumer ? consumer.commitBy(offsets, send) : send(consumer)
  }

  /** Resolves when no call uses the producer any more; a later one is refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#idle
  }

  #call(call: Call): Promise<DriverFailure | undefined> {
    if (this.#isClosed) {
      return Promise.resolve({
        code: 'CLOSE_TIMED_OUT',
        reason: 'the client is closed',
        outcome: 'not_sent',
        fatal: true,
      })
    }
    const done = new Promise<DriverFailure | undefined>((resolve) => {
      try {
        call((error) => resolve(error ? normalizeTransactionError(error) : undefined))
      } catch (error) {
        // The binding checks its arguments by throwing.
        resolve({ code: 'TRANSACTION_INVALID', reason: (error as Error).message })
      }
    })
    this.#idle = done
    return done
  }
}

/** librdkafka says itself what to do after an error of a transaction; its number only names it. */
function normalizeTransactionError({ code, message, isFatal, isRetriable }: NativeError): DriverFailure {
  const failure = classifyErrorNumber(code, message)
  return { ...failure, retriable: isRetriable === true, fatal: isFatal === true || failure.fatal === true }
}
