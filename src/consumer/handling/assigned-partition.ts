import type { HandlerContext } from '../../factory/consumer-manifest.ts'
import type { ClientTransaction } from '../../factory/transaction.ts'
import type { ActiveConsumer } from '../active-consumer.ts'
import type { IncomingMessage } from './incoming-message.ts'

/** What handling a message needs of the partition that it came from. */
export interface AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly consumer: ActiveConsumer
  readonly context: HandlerContext
  readonly isPaused: boolean
  /** Nothing more is to begin. */
  readonly isEnding: boolean
  /** A message is done; a promise where it has to be committed at once. @param at now, on the clock of performance.now() */
  done(message: IncomingMessage, at?: number): Promise<void> | undefined
  /**
   * Handles messages that come next, in a transaction that makes them done; undefined where the manifest has none.
   * @throws as PartitionTransactions
   */
  readonly transact:
    | ((
        messages: readonly IncomingMessage[],
        work: (transaction: ClientTransaction) => Promise<unknown>,
      ) => Promise<void>)
    | undefined
  /** Nothing more begins, since a message stays undone. */
  leave(): void
  /** Puts the message aside until a later attempt, with what follows of its key. */
  park(message: IncomingMessage, waitMs: number): void
  /** Whether it waits behind a message of its key that was put aside. */
  follow(message: IncomingMessage): boolean
  /** Takes part in the place that its partition has among those that are handled; a promise while it has none. */
  occupy(): Promise<void> | undefined
  /** The reverse; once nobody takes part, the place is free for others. */
  vacate(): void
  /** While it is paused: resolves when that is over, or it ends. It does not take part meanwhile. */
  pauseOver(): Promise<void>
  /** Waits so long, or until it ends: for another attempt, or its turn. It does not take part meanwhile. */
  wait(owner: 'retry' | 'dead-letter' | 'throttle', reason: string, durationMs: number): Promise<void>
}
