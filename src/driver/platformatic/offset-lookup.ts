import type { DriverConsumerOptions, StartPosition, TopicPartition } from '../driver-consumer.ts'
import type { Cluster } from './cluster.ts'
import { FailedRequest } from './failed-request.ts'
import type { PartitionLeaders } from './partition-leaders.ts'
import { withPatience, type Patience } from './patience.ts'

export interface OffsetLookupParts extends Patience {
  readonly cluster: Pick<Cluster, 'reach' | 'failureOf' | 'failureOfNumber'>
  readonly leaders: PartitionLeaders
  readonly isolation: DriverConsumerOptions['isolation']
}

interface ListOffsetsAnswer {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly errorCode: number
      readonly offset: bigint
    }[]
  }[]
}

/** What ListOffsets takes in the place of a time. */
const times = { latest: -1, earliest: -2 } as const

/** Asks the leaders of partitions where an offset is that has no number yet. */
export class OffsetLookup {
  readonly #parts: OffsetLookupParts

  constructor(parts: OffsetLookupParts) {
    this.#parts = parts
  }

  /** In the order of the positions. @throws FailedRequest, LibraryError */
  async find(
    positions: readonly StartPosition[],
    isolation = this.#parts.isolation,
  ): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    const found = new Map<StartPosition, number>()
    for (const position of positions) {
      if (typeof position.offset === 'number') found.set(position, position.offset)
    }
    await withPatience(this.#parts, async () => {
      const missing = positions.filter((position) => !found.has(position))
      if (missing.length > 0) await this.#ask(missing, isolation, found)
    })
    return positions.map((position) => ({
      topic: position.topic,
      partition: position.partition,
      offset: found.get(position)!,
    }))
  }

  /** That each partition is there. @throws FailedRequest, LibraryError */
  async check(partitions: readonly TopicPartition[]): Promise<void> {
    await withPatience(this.#parts, () => this.#lead(partitions))
  }

  async #lead(partitions: readonly TopicPartition[]): Promise<void> {
    const { leaders } = this.#parts
    const unled = (): TopicPartition[] => partitions.filter((partition) => leaders.leaderOf(partition) < 0)
    const topics = new Set(unled().map(({ topic }) => topic))
    if (topics.size > 0) await leaders.refresh([...topics])
    for (const partition of unled()) {
      throw new FailedRequest(leaders.failureOf(partition), partition.topic)
    }
  }

  async #ask(
    positions: readonly StartPosition[],
    isolation: DriverConsumerOptions['isolation'],
    found: Map<StartPosition, number>,
  ): Promise<void> {
    const { leaders } = this.#parts
    await this.#lead(positions)
    const byLeader = Map.groupBy(positions, (position) => leaders.leaderOf(position))
    await Promise.all(Array.from(byLeader, ([leader, led]) => this.#askLeader(leader, led, isolation, found)))
    // Beyond the last message there is none of that time.
    const beyond = positions.filter((position) => found.get(position) === -1)
    for (const position of beyond) found.delete(position)
    if (beyond.length === 0) return
    const ends = await this.find(
      beyond.map(({ topic, partition }) => ({ topic, partition, offset: 'latest' })),
      isolation,
    )
    for (const [index, position] of beyond.entries()) found.set(position, ends[index]!.offset)
  }

  async #askLeader(
    leader: number,
    positions: readonly StartPosition[],
    isolation: DriverConsumerOptions['isolation'],
    found: Map<StartPosition, number>,
  ): Promise<void> {
    const { cluster, leaders } = this.#parts
    const topics = Map.groupBy(positions, ({ topic }) => topic)
    const request = Array.from(topics, ([name, of]) => ({
      name,
      partitions: of.map(({ partition, offset }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: -1,
        timestamp: BigInt(timeOf(offset)),
      })),
    }))
    try {
      const connection = await cluster.reach(leader)
      const answer = await connection.answer('ListOffsets', -1, isolation === 'committed' ? 1 : 0, request)
      for (const { name, partitions } of (answer as ListOffsetsAnswer).topics) {
        for (const { partitionIndex, errorCode, offset } of partitions) {
          if (errorCode !== 0) throw new FailedRequest(cluster.failureOfNumber(errorCode, name), name)
          const position = positions.find(({ topic, partition }) => topic === name && partition === partitionIndex)
          if (position) found.set(position, Number(offset))
        }
      }
    } catch (error) {
      // Somebody else may lead it by now.
      await leaders.refresh([...topics.keys()]).catch(() => undefined)
      throw error
    }
  }
}

function timeOf(offset: StartPosition['offset']): number {
  if (typeof offset === 'object') return Math.max(0, Math.trunc(offset.timestamp))
  return typeof offset === 'string' ? times[offset] : offset
}
