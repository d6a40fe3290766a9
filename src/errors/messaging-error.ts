import { errorCodes, type ErrorCode, type ErrorCodeEntry, type Outcome } from './codes.ts'

type Placeholders<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** The values that the message template of a code asks for; a `hint` only where there is one. */
export type ErrorParameters<Code extends ErrorCode> = {
  readonly [Name in Exclude<Placeholders<(typeof errorCodes)[Code]['message']>, 'hint'>]: string | number
} & ('hint' extends Placeholders<(typeof errorCodes)[Code]['message']> ? { readonly hint?: string } : unknown)

export interface ErrorContext {
  manifest?: string | undefined
  topic?: string | undefined
  /** The code of the driver underneath, e.g. librdkafka’s -192. */
  driverCode?: number | string | undefined
  /** Overrides the usual outcome of the code where more is known. */
  outcome?: Outcome | undefined
  retriable?: boolean | undefined
  cause?: unknown
  failures?: readonly BatchFailure[]
  reports?: readonly unknown[]
}

/** One failed message of a `sendMany`. */
export interface BatchFailure {
  /** Position in the list given to `sendMany`, from 0. */
  readonly index: number
  readonly error: MessagingError
}

// A registered symbol, so that an error of one copy of the package is recognised by every other copy in the process.
const brand = Symbol.for('postrider.MessagingError')

/** The one error type of the SDK. `code` says what happened, `outcome` what became of the message. */
export class MessagingError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly retriable: boolean
  readonly outcome: Outcome
  readonly manifest: string | undefined
  readonly topic: string | undefined
  readonly driverCode: number | string | undefined
  /** Only on BATCH_FAILED: the failed messages, by index. */
  readonly failures: readonly BatchFailure[] | undefined
  /** Only on BATCH_FAILED: delivery reports by index, `undefined` where the message failed. */
  readonly reports: readonly unknown[] | undefined
  readonly #parameters: ErrorParameters<Code>

  constructor(code: Code, parameters: ErrorParameters<Code>, context: ErrorContext = {}) {
    const entry: ErrorCodeEntry = errorCodes[code]
    super(fillTemplate(entry.message, parameters), context.cause !== undefined ? { cause: context.cause } : undefined)
    this.code = code
    this.#parameters = parameters
    this.retriable = context.retriable ?? entry.retriable
    this.outcome = context.outcome ?? entry.outcome
    this.manifest = context.manifest
    this.topic = context.topic
    this.driverCode = context.driverCode
    this.failures = context.failures
    this.reports = context.reports
  }

  /** The same error for one manifest, where several share what failed. */
  of(manifest: string): MessagingError<Code> {
    return this.#again(this.#parameters, manifest)
  }

  /** The same error whose message says what else could be done, where its template has a place for it. */
  hinting(hint: string): MessagingError<Code> {
    return this.#again({ ...this.#parameters, hint }, this.manifest)
  }

  /** For logs and reports: no payload, no secret, no cause (which may hold either). */
  toJSON(): Record<string, unknown> {
    const { name, code, message, retriable, outcome, manifest, topic, driverCode } = this
    const failures = this.failures?.map(({ index, error }) => ({ index, error: error.toJSON() }))
    return { name, code, message, retriable, outcome, manifest, topic, driverCode, failures }
  }

  #again(parameters: ErrorParameters<Code>, manifest: string | undefined): MessagingError<Code> {
    const { code, retriable, outcome, topic, driverCode, cause } = this
    return new MessagingError(code, parameters, { manifest, retriable, outcome, topic, driverCode, cause })
  }
}

Object.defineProperties(MessagingError.prototype, {
  name: { value: 'MessagingError', configurable: true, writable: true },
  [brand]: { value: true },
})

/**
 * Whether `error` is a MessagingError of this or any other copy of the package, optionally of one of `codes`.
 * @example catch (error) { if (isMessagingError(error, 'DELIVERY_TIMED_OUT')) … }
 */
export function isMessagingError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is MessagingError<Code> {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false
  return codes.length === 0 || codes.includes((error as unknown as MessagingError<Code>).code)
}

function fillTemplate(template: string, parameters: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name] ?? ''))
}
