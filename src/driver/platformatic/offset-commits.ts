import { nameOf, type CommittedPosition, type TopicPartition } from '../driver-consumer.ts'
import { FailedRequest } from './failed-request.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import { noMember, type Membership } from './membership.ts'
import { withPatience, type Patience } from './patience.ts'

export interface OffsetCommitsParts extends Patience {
  readonly coordinator: Pick<GroupCoordinator, 'answer' | 'check'>
  readonly group: string
  readonly instanceId: string | undefined
  /** Undefined for who reads without a group. */
  readonly membership: () => Membership | undefined
  readonly owns: (partition: TopicPartition) => boolean
}

interface Batch {
  readonly positions: Map<string, CommittedPosition>
  readonly refused: Map<string, FailedRequest>
  readonly sent: PromiseWithResolvers<void>
}

interface OffsetCommitAnswer {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[]
}

/** The group has another generation by now, or is just making one. */
const otherGeneration: ReadonlySet<number> = new Set([22, 25, 27, 110, 113])

/** Commits, one request at a time: so an older one that is tried again never overtakes a newer one. What comes meanwhile goes with the next. */
export class OffsetCommits {
  readonly #parts: OffsetCommitsParts
  #waiting: Batch | undefined
  #isSending = false

  constructor(parts: OffsetCommitsParts) {
    this.#parts = parts
  }

  /** @throws LibraryError, FailedRequest: GROUP_REJOIN_REQUIRED for a partition that the member does not have (any more) */
  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    for (const position of positions) this.#checkOwned(position)
    if (positions.length === 0) return
    const batch = (this.#waiting ??= { positions: new Map(), refused: new Map(), sent: Promise.withResolvers() })
    for (const position of positions) batch.positions.set(nameOf(position), position)
    if (!this.#isSending) void this.#send()
    await batch.sent.promise
    for (const position of positions) {
      const error = batch.refused.get(nameOf(position))
      if (error) throw error
    }
  }

  async #send(): Promise<void> {
    this.#isSending = true
    for (let batch = this.#waiting; batch; batch = this.#waiting) {
      this.#waiting = undefined
      const { positions, refused, sent } = batch
      try {
        await withPatience(this.#parts, () => this.#sendOnce(positions, refused))
        sent.resolve()
      } catch (error) {
        sent.reject(this.#closedOr(error))
      }
    }
    this.#isSending = false
  }

  /** Takes out of the positions what is decided. */
  async #sendOnce(positions: Map<string, CommittedPosition>, refused: Map<string, FailedRequest>): Promise<void> {
    const { coordinator, group, instanceId, membership, signal } = this.#parts
    for (;;) {
      await membership()?.settled()
      if (signal.aborted) throw new Error('the consumer is closed')
      for (const [name, position] of positions) {
        try {
          this.#checkOwned(position)
        } catch (error) {
          refused.set(name, error as FailedRequest)
          positions.delete(name)
        }
      }
      if (positions.size === 0) return
      const identity = membership()?.identity ?? noMember
      const { generation, memberId } = identity
      const topics = toTopics([...positions.values()])
      const answer = await coordinator.answer('OffsetCommit', group, generation, memberId, instanceId ?? null, topics)
      const isDoubted = this.#read(answer as OffsetCommitAnswer, positions, refused)
      if (isDoubted) membership()?.doubted(identity)
      if (positions.size === 0) return
    }
  }

  /** Whether the broker did not know the member as it is. What it may accept later stays among the positions. */
  #read(
    answer: OffsetCommitAnswer,
    positions: Map<string, CommittedPosition>,
    refused: Map<string, FailedRequest>,
  ): boolean {
    const { coordinator, membership } = this.#parts
    let passing: FailedRequest | undefined
    let isDoubted = false
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const partition = `${name}/${partitionIndex}`
        if (membership() && otherGeneration.has(errorCode)) {
          isDoubted = true
          continue
        }
        try {
          coordinator.check(errorCode, partition)
        } catch (error) {
          if ((error as FailedRequest).failure.code === 'BROKER_UNAVAILABLE') {
            passing = error as FailedRequest
            continue
          }
          refused.set(partition, error as FailedRequest)
        }
        positions.delete(partition)
      }
    }
    if (passing) throw passing
    return isDoubted
  }

  #checkOwned(position: TopicPartition): void {
    if (this.#parts.membership() === undefined || this.#parts.owns(position)) return
    const reason = `${nameOf(position)} is not assigned (any more)`
    throw new FailedRequest({ code: 'GROUP_REJOIN_REQUIRED', reason }, position.topic)
  }

  #closedOr(error: unknown): unknown {
    if (!this.#parts.signal.aborted) return error
    const reason = 'the consumer was closed before the broker had confirmed a commit'
    return new FailedRequest({ code: 'CLOSE_TIMED_OUT', reason, outcome: 'unknown' })
  }
}

function toTopics(positions: readonly CommittedPosition[]): unknown {
  return Array.from(
    Map.groupBy(positions, ({ topic }) => topic),
    ([name, of]) => ({
      name,
      partitions: of.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: metadata ?? null,
      })),
    }),
  )
}
