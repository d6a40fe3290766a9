import { setTimeout as delay } from 'node:timers/promises'
import type { JoinedMember } from '../../../src/driver/platformatic/cooperative-sticky.ts'
import { FakeCoordinator } from './fake-coordinator.ts'

const errors = { illegalGeneration: 22, unknownMember: 25, rebalanceInProgress: 27, memberIdRequired: 79 } as const

interface Member {
  metadata: Buffer
  joins?: PromiseWithResolvers<unknown> | undefined
  syncs?: PromiseWithResolvers<unknown> | undefined
}

/** A group as a broker of Kafka keeps it, with answers that take their time and overtake those of other connections. */
export class SimulatedGroup {
  readonly #members = new Map<string, Member>()
  /** Named, and not in the group yet. */
  readonly #pending = new Set<string>()
  readonly #latencyMs: () => number
  #assignments: ReadonlyMap<string, Buffer> = new Map()
  #state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  #generation = 0
  #leader = ''
  #named = 0

  constructor(latencyMs: () => number) {
    this.#latencyMs = latencyMs
  }

  /** For one member. */
  coordinator(): FakeCoordinator {
    const late =
      (answer: (...args: never[]) => unknown) =>
      async (...args: readonly unknown[]): Promise<unknown> => {
        await delay(this.#latencyMs())
        const answered = await answer(...(args as never[]))
        await delay(this.#latencyMs())
        return answered
      }
    return new FakeCoordinator()
      .on(
        'JoinGroup',
        late((_group, _session, _rebalance, memberId: string, _instance, _type, [{ metadata }]: [JoinedMember]) =>
          this.#join(memberId, metadata),
        ),
      )
      .on(
        'SyncGroup',
        late((_group, generation: number, memberId: string, _instance, _type, _name, assignments: never[]) =>
          this.#sync(memberId, generation, assignments),
        ),
      )
      .on(
        'Heartbeat',
        late((_group, generation: number, memberId: string) => ({
          errorCode: this.#check(memberId, generation, this.#state === 'preparing'),
        })),
      )
      .on(
        'OffsetCommit',
        late((_group, generation: number, memberId: string, _instance, topics: never[]) =>
          this.#commit(memberId, generation, topics),
        ),
      )
      .on(
        'LeaveGroup',
        late((_group, [{ memberId }]: [{ memberId: string }]) => {
          this.#pending.delete(memberId)
          if (this.#members.delete(memberId)) this.#prepare()
          return { errorCode: 0 }
        }),
      )
  }

  #join(memberId: string, metadata: Buffer): unknown {
    if (memberId === '') {
      const name = `m-${++this.#named}`
      this.#pending.add(name)
      return { errorCode: errors.memberIdRequired, memberId: name }
    }
    if (!this.#pending.delete(memberId) && !this.#members.has(memberId)) return { errorCode: errors.unknownMember }
    const member = this.#members.get(memberId) ?? { metadata: Buffer.alloc(0) }
    const isAsBefore = this.#members.has(memberId) && member.metadata.equals(metadata)
    this.#members.set(memberId, member)
    member.metadata = metadata
    if (isAsBefore && (this.#state === 'completing' || (this.#state === 'stable' && memberId !== this.#leader))) {
      return this.#joined(memberId)
    }
    member.joins = Promise.withResolvers()
    const { promise } = member.joins
    this.#prepare()
    return promise
  }

  #prepare(): void {
    this.#state = 'preparing'
    for (const member of this.#members.values()) {
      member.syncs?.resolve({ errorCode: errors.rebalanceInProgress })
      member.syncs = undefined
    }
    const members = [...this.#members]
    if (members.some(([, { joins }]) => !joins)) return
    this.#state = members.length > 0 ? 'completing' : 'empty'
    this.#generation++
    if (!this.#members.has(this.#leader)) this.#leader = members[0]?.[0] ?? ''
    for (const [memberId, member] of members) {
      member.joins!.resolve(this.#joined(memberId))
      member.joins = undefined
    }
  }

  #joined(memberId: string): unknown {
    const members = Array.from(this.#members, ([id, { metadata }]) => ({ memberId: id, metadata }))
    return {
      errorCode: 0,
      generationId: this.#generation,
      leader: this.#leader,
      memberId,
      members: memberId === this.#leader ? members : [],
    }
  }

  #sync(
    memberId: string,
    generation: number,
    assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
  ): unknown {
    const errorCode = this.#check(memberId, generation, this.#state === 'preparing')
    if (errorCode !== 0) return { errorCode }
    const member = this.#members.get(memberId)!
    member.syncs = Promise.withResolvers()
    const { promise } = member.syncs
    if (memberId === this.#leader && this.#state === 'completing') {
      this.#state = 'stable'
      this.#assignments = new Map(assignments.map((each) => [each.memberId, each.assignment]))
    }
    if (this.#state !== 'stable') return promise
    for (const [id, { syncs }] of this.#members) {
      syncs?.resolve({ errorCode: 0, assignment: this.#assignments.get(id) ?? Buffer.alloc(0) })
    }
    return promise
  }

  #commit(memberId: string, generation: number, topics: readonly { name: string; partitions: never[] }[]): unknown {
    const errorCode = this.#check(memberId, generation, this.#state === 'completing')
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    }
  }

  #check(memberId: string, generation: number, isRebalancing: boolean): number {
    if (!this.#members.has(memberId)) return errors.unknownMember
    if (generation !== this.#generation) return errors.illegalGeneration
    return isRebalancing ? errors.rebalanceInProgress : 0
  }
}
