import type { CommittedPosition } from '../../driver/driver-consumer.ts'
import { decodeDoneAhead, encodeDoneAhead } from './done-ahead.ts'
import { OffsetTracker } from './offset-tracker.ts'

export interface Committable {
  /** The next offset to be handled; undefined while nothing is done. */
  readonly position: number | undefined
  /** What is done beyond it, as text. */
  readonly doneAhead: string | undefined
}

/** How far one assigned partition is: what is begun and done, what may be committed, and what is. */
export class PartitionProgress {
  /** What the broker has. */
  committed: number | undefined
  committedAhead: string | undefined
  readonly #isDoneAhead: boolean
  #tracker = new OffsetTracker()
  #resumedAt = 0
  /** Part of somebody’s transaction, which may be aborted. */
  #transacted: number | undefined
  /** What it was when the partition was aborted: what is done later does not count. */
  #frozen: (Committable & { readonly unfinished: number }) | undefined

  /** @param isDoneAhead whether messages may be done while one before them waits for long */
  constructor(isDoneAhead: boolean) {
    this.#isDoneAhead = isDoneAhead
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined
  }

  get committable(): Committable {
    if (this.#frozen !== undefined) return this.#frozen
    const ahead = this.#isDoneAhead ? this.#tracker.ahead : undefined
    const doneAhead = ahead && encodeDoneAhead(ahead.from, ahead.offsets)
    return doneAhead === undefined
      ? { position: this.#tracker.position, doneAhead }
      : { position: ahead!.from, doneAhead }
  }

  /** The next offset to be handled, as far as may be committed. */
  get position(): number | undefined {
    return this.committable.position
  }

  /** The next offset to be handled, that of somebody’s transaction included. */
  get reached(): number | undefined {
    return this.#transacted ?? this.position
  }

  /** Begun since the first message that is not done. */
  get begun(): number {
    return this.#tracker.length
  }

  /** Messages that still ran when it was frozen. */
  get unfinished(): number {
    return this.#frozen?.unfinished ?? 0
  }

  /** Goes on where it was left, as the group has it. */
  resumeAfter(committed: CommittedPosition): void {
    this.#resumedAt = committed.offset
    this.#tracker.resume(decodeDoneAhead(committed))
  }

  /** Whether a message that comes was done before the partition was assigned. */
  isDone(offset: number): boolean {
    // It starts elsewhere: what was said of these offsets may be of a topic that is no more.
    if (offset < this.#resumedAt) this.#tracker.resume(new Set())
    this.#resumedAt = 0
    return this.#tracker.knows(offset)
  }

  /** In the order of offsets. */
  begin(offset: number): void {
    this.#tracker.begin(offset)
  }

  done(offset: number): void {
    this.#tracker.done(offset)
  }

  /** Everything up to this offset. */
  doneUpTo(offset: number): void {
    this.#transacted = undefined
    this.#tracker.doneUpTo(offset)
  }

  /** Everything up to this offset is part of somebody’s transaction. */
  transactedUpTo(offset: number): void {
    this.#transacted = offset + 1
  }

  /** What is begun and not done will begin again. */
  forgetUnfinished(): void {
    this.#tracker.forgetUnfinished()
  }

  /** The partition goes on somewhere else. */
  restart(): void {
    this.#tracker = new OffsetTracker()
    this.#transacted = undefined
  }

  /** From here on nothing counts. @param unfinishedOf of so many messages that are begun and not done, how many still run */
  freeze(unfinishedOf: (begun: number) => number): void {
    this.#frozen ??= { ...this.committable, unfinished: unfinishedOf(this.#tracker.unfinished) }
  }
}
