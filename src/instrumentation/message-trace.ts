import type { MessagingError } from '../errors/messaging-error.ts'
import type { TraceHeader } from './trace-context.ts'

/** The trace of one message, or of all messages of one `sendMany`. Nothing it does throws. */
export interface MessageTrace {
  /** The headers of a message with its trace context added. */
  headers(given: readonly TraceHeader[] | undefined): readonly TraceHeader[] | undefined
  /** Called once for each message, when it has settled: this, or `failed`. */
  acknowledged(partition: number, offset: number): void
  failed(error: MessagingError): void
}

export interface SentMessage {
  readonly manifest: string
  readonly topic: string
  readonly isTombstone: boolean
  /** Messages of a `sendMany`; undefined for a single send. */
  readonly count: number | undefined
}

/** Begins the trace of what is sent now, in the active context; undefined where there is nothing to trace. Never throws. */
export type BeginTrace = (message: SentMessage, sampleRate: number) => MessageTrace | undefined
