import { nameOf, type CommittedPosition, type TopicPartition } from '../driver-consumer.ts'
import type { MemoryTopics } from './memory-topics.ts'

export type Partitions = Map<string, TopicPartition>

/** One consumer's place in a group. */
export interface MemoryMember {
  readonly topics: readonly (string | RegExp)[]
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  /** What it reads. The member itself gives up and takes, between two polls. */
  readonly owned: Partitions
  /** What the group wants it to read. */
  wanted: Partitions
  /** Something changed that it should look at. */
  wake(): void
  /** Another one took over its static identity. */
  fence(): void
}

/** A consumer group: who is in it, which partitions each should have, and what was committed. */
export class MemoryGroup {
  readonly committed = new Map<string, CommittedPosition>()
  readonly #topics: MemoryTopics
  /** In the order in which they joined. */
  readonly #members: MemoryMember[] = []
  readonly #owners = new Map<string, MemoryMember>()
  /** Their offsets are not settled. */
  readonly #held = new Set<{ readonly names: ReadonlySet<string> }>()
  /** Static members that left and may come back. */
  readonly #away = new Map<MemoryMember, NodeJS.Timeout>()

  constructor(topics: MemoryTopics) {
    this.#topics = topics
    topics.onCreated.add(() => this.#rebalance())
  }

  has(member: MemoryMember): boolean {
    return this.#members.includes(member)
  }

  join(member: MemoryMember): void {
    const { instanceId } = member
    const before = this.#members.findIndex((other) => instanceId !== undefined && other.instanceId === instanceId)
    if (this.has(member)) return this.#rebalance()
    if (before === -1) this.#members.push(member)
    else {
      // In the place of the one before, so that nobody else notices.
      const predecessor = this.#members[before]!
      this.#members[before] = member
      member.wanted = predecessor.wanted
      this.#disown(predecessor)
      if (!this.#return(predecessor)) predecessor.fence()
    }
    this.#rebalance()
  }

  /** A static member keeps its place until its session ends. */
  leave(member: MemoryMember): void {
    if (!this.has(member)) return
    if (member.instanceId === undefined) return this.expel(member)
    const session = setTimeout(() => this.expel(member), member.sessionTimeoutMs)
    session.unref()
    this.#away.set(member, session)
  }

  /** Its partitions go to others at once. */
  expel(member: MemoryMember): void {
    this.#return(member)
    const index = this.#members.indexOf(member)
    if (index === -1) return
    this.#members.splice(index, 1)
    this.#disown(member)
    this.#rebalance()
    member.wake()
  }

  expelAll(): void {
    for (const member of this.#members.toReversed()) this.expel(member)
  }

  /** Nobody is given these partitions, whose offsets are part of a transaction, until the returned function is called. */
  hold(partitions: readonly TopicPartition[]): () => void {
    const held = { names: new Set(partitions.map(nameOf)) }
    this.#held.add(held)
    return () => {
      this.#held.delete(held)
      for (const member of this.#members) member.wake()
    }
  }

  /** What the member should have besides, as far as nobody else has it still; it is its own from now on. */
  claim(member: MemoryMember): TopicPartition[] {
    const isHeld = (name: string): boolean => [...this.#held].some(({ names }) => names.has(name))
    const claimed = [...member.wanted].filter(([name]) => !this.#owners.has(name) && !isHeld(name))
    for (const [name, partition] of claimed) {
      this.#owners.set(name, member)
      member.owned.set(name, partition)
    }
    return claimed.map(([, partition]) => partition)
  }

  release(member: MemoryMember, partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const name = nameOf(partition)
      member.owned.delete(name)
      if (this.#owners.get(name) === member) this.#owners.delete(name)
    }
    for (const other of this.#members) other.wake()
  }

  owns(member: MemoryMember, partition: TopicPartition): boolean {
    return this.#owners.get(nameOf(partition)) === member
  }

  #return(member: MemoryMember): boolean {
    clearTimeout(this.#away.get(member))
    return this.#away.delete(member)
  }

  #disown(member: MemoryMember): void {
    for (const [name, owner] of this.#owners) if (owner === member) this.#owners.delete(name)
  }

  /** Everybody keeps what they have, as far as the shares stay even (cooperative, sticky). */
  #rebalance(): void {
    if (this.#members.length === 0) return
    const all: Partitions = new Map(
      this.#topics
        .names()
        .flatMap((topic) =>
          this.#topics.get(topic)!.map((_, partition) => [nameOf({ topic, partition }), { topic, partition }] as const),
        ),
    )
    const shares = this.#members.map((member) => {
      const mayRead = ({ topic }: TopicPartition): boolean => member.topics.some((wanted) => matches(wanted, topic))
      const kept: Partitions = new Map(
        [...member.wanted].filter(([name, partition]) => all.has(name) && mayRead(partition)),
      )
      for (const name of kept.keys()) all.delete(name)
      return { member, mayRead, partitions: kept }
    })
    type Share = (typeof shares)[number]
    const smallest = (partition: TopicPartition): Share | undefined =>
      shares.filter(({ mayRead }) => mayRead(partition)).toSorted((a, b) => a.partitions.size - b.partitions.size)[0]
    for (const [name, partition] of all) smallest(partition)?.partitions.set(name, partition)
    for (let moved = true; moved;) {
      moved = false
      for (const share of shares) {
        for (const [name, partition] of [...share.partitions].toReversed()) {
          const other = smallest(partition)!
          if (other.partitions.size + 1 >= share.partitions.size) continue
          share.partitions.delete(name)
          other.partitions.set(name, partition)
          moved = true
        }
      }
    }
    for (const { member, partitions } of shares) {
      member.wanted = partitions
      member.wake()
    }
  }
}

function matches(wanted: string | RegExp, topic: string): boolean {
  return typeof wanted === 'string' ? wanted === topic : topic.search(wanted) !== -1
}
