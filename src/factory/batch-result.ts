import type { Outcome } from '../errors/codes.ts'
import { MessagingError, type BatchFailure } from '../errors/messaging-error.ts'
import type { DeliveryReport } from './delivery-report.ts'

/** One promise for many messages. */
export class BatchResult {
  readonly promise: Promise<readonly DeliveryReport[]>
  readonly #manifest: string
  readonly #topic: string
  readonly #reports: DeliveryReport[]
  readonly #failures: BatchFailure[] = []
  readonly #resolve: (reports: readonly DeliveryReport[]) => void
  readonly #reject: (error: MessagingError) => void
  #open: number

  constructor(manifest: string, topic: string, size: number) {
    this.#manifest = manifest
    this.#topic = topic
    this.#open = size
    this.#reports = Array.from({ length: size })
    const { promise, resolve, reject } = Promise.withResolvers<readonly DeliveryReport[]>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  succeed(index: number, report: DeliveryReport): void {
    this.#reports[index] = report
    this.#close()
  }

  fail(index: number, error: MessagingError): void {
    this.#failures.push({ index, error })
    this.#close()
  }

  #close(): void {
    if (--this.#open > 0) return
    if (this.#failures.length === 0) this.#resolve(this.#reports)
    else this.#reject(this.#createError())
  }

  #createError(): MessagingError {
    const failures = this.#failures.sort((a, b) => a.index - b.index)
    const { index, error: first } = failures[0]!
    const outcomes = new Set(failures.map(({ error }) => error.outcome))
    const worst = (['unknown', 'rejected', 'not_sent'] as const satisfies readonly Outcome[]).find((outcome) =>
      outcomes.has(outcome),
    )
    const manifest = this.#manifest
    const parameters = {
      failed: failures.length,
      total: this.#reports.length,
      manifest,
      index,
      code: first.code,
      reason: first.message,
    }
    return new MessagingError('BATCH_FAILED', parameters, {
      manifest,
      topic: this.#topic,
      outcome: worst,
      retriable: failures.every(({ error }) => error.retriable),
      failures,
      reports: this.#reports,
      cause: first,
    })
  }
}
