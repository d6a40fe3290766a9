import type { CommittedPosition } from '../../driver/driver-consumer.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import { reasonOf } from '../handling/failure.ts'
import type { PartitionWork } from '../partition/partition-work.ts'

export interface CommitterParts {
  /** The partitions that are assigned now. */
  readonly works: () => Iterable<PartitionWork>
  readonly commit: (positions: readonly CommittedPosition[]) => Promise<void>
}

/** Commits what is done, of all partitions together, one request at a time. */
export class Committer {
  readonly #parts: CommitterParts
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(parts: CommitterParts) {
    this.#parts = parts
  }

  /**
   * Resolves when what is done now is committed. Who asks while a request is under way shares the one after it.
   * @throws COMMIT_FAILED; the next commit tries again
   */
  commit(): Promise<void> {
    this.#next ??= this.#current
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        this.#current = this.#commit()
        return this.#current
      })
    return this.#next
  }

  /** Resolves when the request that is under way has ended, well or not. */
  async settled(): Promise<void> {
    await this.#current.catch(() => undefined)
  }

  async #commit(): Promise<void> {
    const due: { readonly work: PartitionWork; readonly offset: number; readonly metadata: string | undefined }[] = []
    for (const work of this.#parts.works()) {
      const { committed, committedAhead, committable } = work.progress
      const { position, doneAhead } = committable
      if (position === undefined || work.isInTransaction) continue
      if (position !== committed || doneAhead !== committedAhead)
        due.push({ work, offset: position, metadata: doneAhead })
    }
    if (due.length === 0) return
    try {
      const positions = due.map(({ work: { topic, partition }, offset, metadata }) =>
        metadata === undefined ? { topic, partition, offset } : { topic, partition, offset, metadata },
      )
      await this.#parts.commit(positions)
    } catch (cause) {
      const reason = reasonOf(cause)
      const error = new MessagingError('COMMIT_FAILED', { reason }, { cause })
      for (const { consumer } of new Map(due.map(({ work }) => [work.consumer, work])).values())
        consumer.errored(error.of(consumer.plan.name))
      throw error
    }
    for (const { work, offset, metadata } of due) {
      const { topic, partition } = work
      work.progress.committed = offset
      work.progress.committedAhead = metadata
      work.consumer.ledger.publish('offset.committed', () => ({ topic, partition, offset }))
    }
  }
}
