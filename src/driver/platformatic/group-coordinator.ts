import { nameOf, type CommittedPosition, type TopicPartition } from '../driver-consumer.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { Cluster } from './cluster.ts'
import { FailedRequest } from './failed-request.ts'
import { withPatience, type Patience } from './patience.ts'

export interface GroupCoordinatorParts extends Patience {
  readonly cluster: Pick<Cluster, 'any' | 'reach' | 'openAnother' | 'failureOf' | 'failureOfNumber'>
  readonly group: string
}

interface FindCoordinatorAnswer {
  readonly coordinators: readonly {
    readonly nodeId: number
    readonly errorCode: number
    readonly errorMessage: string | null
  }[]
}

interface CommittedTopics {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly committedOffset: bigint
      readonly metadata: string | null
      readonly errorCode: number
    }[]
  }[]
  readonly errorCode: number
}

const groupKey = 0
/** Another broker than the one that was asked coordinates the group, or it does not know yet. */
const elsewhere: ReadonlySet<number> = new Set([15, 16])

/** The broker that keeps a group. */
export class GroupCoordinator {
  readonly #parts: GroupCoordinatorParts
  #nodeId: number | undefined

  constructor(parts: GroupCoordinatorParts) {
    this.#parts = parts
  }

  /** Asks for it anew next time. */
  forget(): void {
    this.#nodeId = undefined
  }

  /** One request, on the connection that all use. Throws away who the coordinator is where that is in doubt. @throws LibraryError, FailedRequest */
  async answer(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#at(async (nodeId) => (await this.#parts.cluster.reach(nodeId)).answer(name, ...args))
  }

  /** A connection of one’s own. @throws LibraryError, FailedRequest */
  open(requestTimeoutMs: number): Promise<BrokerConnection> {
    return this.#at((nodeId) => this.#parts.cluster.openAnother(nodeId, requestTimeoutMs))
  }

  /** Where the group has committed; -1 where it has not. @throws LibraryError, FailedRequest */
  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedPosition[]> {
    if (partitions.length === 0) return []
    return withPatience(this.#parts, () => this.#committed(partitions))
  }

  /** @throws FailedRequest for an error number */
  check(errorCode: number, detail?: string): void {
    if (errorCode === 0) return
    if (elsewhere.has(errorCode)) this.forget()
    throw new FailedRequest(this.#parts.cluster.failureOfNumber(errorCode, detail))
  }

  async #at<Value>(use: (nodeId: number) => Promise<Value>): Promise<Value> {
    try {
      return await use((this.#nodeId ??= await this.#find()))
    } catch (error) {
      this.forget()
      throw error
    }
  }

  async #find(): Promise<number> {
    const { cluster, group } = this.#parts
    const connection = await cluster.any()
    const answer = (await connection.answer('FindCoordinator', groupKey, [group])) as FindCoordinatorAnswer
    const { nodeId, errorCode, errorMessage } = answer.coordinators[0]!
    this.check(errorCode, errorMessage ?? group)
    return nodeId
  }

  async #committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedPosition[]> {
    const { group } = this.#parts
    const topics = Array.from(
      Map.groupBy(partitions, ({ topic }) => topic),
      ([name, of]) => ({ name, partitionIndexes: of.map(({ partition }) => partition) }),
    )
    // Stable: an offset that a transaction is about to commit is waited for (KIP-447).
    const asked = [{ groupId: group, memberId: null, memberEpoch: -1, topics }]
    const answer = (await this.answer('OffsetFetch', asked, true)) as CommittedTopics & {
      readonly groups: readonly CommittedTopics[]
    }
    // Versions before 8 answer for one group.
    const { topics: found, errorCode } = answer.groups[0] ?? answer
    this.check(errorCode, group)
    const positions = new Map<string, CommittedPosition>()
    for (const { name, partitions: of } of found) {
      for (const { partitionIndex, committedOffset, metadata, errorCode } of of) {
        const partition = { topic: name, partition: partitionIndex }
        this.check(errorCode, nameOf(partition))
        const position = { ...partition, offset: Number(committedOffset), metadata: metadata || undefined }
        positions.set(nameOf(partition), position)
      }
    }
    return partitions.map(
      ({ topic, partition }) =>
        positions.get(nameOf({ topic, partition })) ?? { topic, partition, offset: -1, metadata: undefined },
    )
  }
}
