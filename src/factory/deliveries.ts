import { Delivery } from '../driver/delivery.ts'
import { createDriverError } from '../driver/driver-error.ts'
import type { DriverFailure } from '../driver/driver.ts'
import type { MessagingError } from '../errors/messaging-error.ts'
import type { MessageTrace } from '../instrumentation/message-trace.ts'
import type { BatchResult } from './batch-result.ts'
import { createDeliveryReport, type DeliveryReport } from './delivery-report.ts'
import type { ProducerLedger } from './producer-ledger.ts'
import { createAbortError } from './send-deadline.ts'

/** A message of a producer: tells the ledger and, by its kind, a caller, a batch or nobody. */
export abstract class MessageDelivery extends Delivery {
  /** Undefined while its manifest is not traced. */
  trace: MessageTrace | undefined = undefined
  protected readonly ledger: ProducerLedger
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: (() => void) | undefined
  #startedAt = 0
  #reported = false

  constructor(ledger: ProducerLedger, signal: AbortSignal | undefined) {
    super()
    this.ledger = ledger
    ledger.started++
    if (signal === undefined) return
    this.#signal = signal
    this.#onAbort = () => this.#abort()
  }

  /** True when the signal had aborted before anything was done. */
  abortIfSignalled(): boolean {
    if (!this.#signal?.aborted) return false
    this.fail(this.#abortError('SEND_ABORTED'))
    return true
  }

  /** The message is about to be handed over. */
  start(): void {
    if (this.ledger.measuresTime) this.#startedAt = performance.now()
    if (this.#onAbort) this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  override handedOver(): void {
    this.ledger.recordSent(this.bytes)
  }

  /** Fails before the hand-over. */
  fail(error: MessagingError): void {
    this.state = 'settled'
    this.#report(error)
  }

  protected complete(failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void {
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort)
    if (failure !== null) {
      const { topic, manifest } = this.ledger
      this.#report(createDriverError(failure, { manifest, topic }), partition)
      return
    }
    this.trace?.acknowledged(partition, offset)
    this.ledger.recordAcknowledged(partition, offset, this.bytesOfOne, this.#startedAt)
    if (!this.#reported) this.acknowledged(partition, offset, timestamp)
  }

  protected abstract acknowledged(partition: number, offset: number, timestamp: number): void
  protected abstract failed(error: MessagingError): void

  #abort(): void {
    if (this.state === 'waiting') {
      // Still in our own line: taken out for good, so nothing was sent.
      this.state = 'settled'
      this.#report(this.#abortError('SEND_ABORTED'))
    } else if (this.state === 'taken') {
      // The driver cannot take it back. The caller goes; the ledger still hears how it ended.
      this.#reported = true
      this.failed(this.#abortError('SEND_ABANDONED'))
    }
  }

  #report(error: MessagingError, partition = -1): void {
    this.trace?.failed(error)
    this.ledger.recordFailed(error, !this.isAwaited, partition)
    if (!this.#reported) this.failed(error)
  }

  #abortError(code: 'SEND_ABORTED' | 'SEND_ABANDONED'): MessagingError {
    const { manifest, topic } = this.ledger
    return createAbortError(code, this.#signal, { manifest, topic })
  }
}

export class SendDelivery extends MessageDelivery {
  readonly #resolve: (report: DeliveryReport) => void
  readonly #reject: (error: MessagingError) => void

  constructor(
    ledger: ProducerLedger,
    signal: AbortSignal | undefined,
    resolve: (report: DeliveryReport) => void,
    reject: (error: MessagingError) => void,
  ) {
    super(ledger, signal)
    this.#resolve = resolve
    this.#reject = reject
  }

  protected acknowledged(partition: number, offset: number, timestamp: number): void {
    this.#resolve(createDeliveryReport(this.ledger.topic, partition, offset, timestamp))
  }

  protected failed(error: MessagingError): void {
    this.#reject(error)
  }
}

export class BatchDelivery extends MessageDelivery {
  readonly #batch: BatchResult
  readonly #index: number

  constructor(ledger: ProducerLedger, signal: AbortSignal | undefined, batch: BatchResult, index: number) {
    super(ledger, signal)
    this.#batch = batch
    this.#index = index
  }

  protected acknowledged(partition: number, offset: number, timestamp: number): void {
    this.#batch.succeed(this.#index, createDeliveryReport(this.ledger.topic, partition, offset, timestamp))
  }

  protected failed(error: MessagingError): void {
    this.#batch.fail(this.#index, error)
  }
}

/** So many messages under way, and bytes of them, have one delivery at most. */
const maxShared = 64
const maxSharedBytes = 65_536

/** A message that nobody waits for; and, where nobody is told of each either, those of its producer that follow it. */
export class DispatchDelivery extends MessageDelivery {
  override get isAwaited(): boolean {
    return false
  }

  /** Whether it may stand for another message, of so many bytes. */
  canShare(bytes: number): boolean {
    return this.isUnderWay && this.messages < maxShared && this.bytes + bytes <= maxSharedBytes
  }

  override fail(error: MessagingError): void {
    if (this.state === 'new') super.fail(error)
    // The others are on their way.
    else this.ledger.recordFailed(error, true)
  }

  protected acknowledged(): void {
    // Nobody waits.
  }

  protected failed(): void {
    // The ledger has made it an event.
  }
}
