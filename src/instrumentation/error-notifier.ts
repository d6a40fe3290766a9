import type { ErrorCode, Outcome } from '../errors/codes.ts'
import type { Severity } from './error-severity.ts'

/** What is told about one failure: never a payload, a key, a header, a secret or the cause of the error. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
  readonly severity: Severity
  /** `dispatch`: nobody waits for the message; `awaited`: the caller got the error too; `consumer`: a message that was read; `background`: of no single message. */
  readonly source: 'dispatch' | 'awaited' | 'consumer' | 'background'
  readonly manifest: string | undefined
  readonly topic: string | undefined
  /** Undefined where no partition was chosen yet. */
  readonly partition: number | undefined
  readonly outcome: Outcome
  readonly retriable: boolean
  /** The code of the driver underneath, e.g. librdkafka’s -192. */
  readonly driverCode: number | string | undefined
  /** The driver of a background error. */
  readonly driver: string | undefined
  /** Reports of the same kind have the same: code and manifest. */
  readonly groupingHash: string
  /** Reports of this code that the rate limit has held back since the one before. */
  readonly suppressed: number
  /** The messaging instance, as events name it. */
  readonly instance: string
  readonly stack: string | undefined
}

/** Something that happened before an error and may explain it: built, connected, closed. */
export interface Breadcrumb {
  /** The event it was. */
  readonly event: string
  readonly metadata: Readonly<Record<string, string | number>>
}

/**
 * The port to an error tracker. It may be slow, throw, reject or never answer: reports are handed over one by one outside of sends,
 * a bounded number at a time.
 * @example configure({ errorNotifier: { notifier: { notify: ({ code, manifest }) => tracker.report(code, { manifest }) } } })
 */
export interface ErrorNotifier {
  /** A promise means that the report is on its way until it settles; close() waits for it, for 2 s. */
  notify(report: ErrorReport): void | Promise<void>
  leaveBreadcrumb?(breadcrumb: Breadcrumb): void
  close?(): void | Promise<void>
}
