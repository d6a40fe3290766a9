import { nameOf, type TopicPartition } from '../driver-consumer.ts'
import type { LibraryMember } from './platformatic-module.ts'

type Claimant = Pick<LibraryMember, 'memberId' | 'topics' | 'ownedPartitions' | 'generationId'>

interface Share {
  readonly member: Claimant
  readonly topics: ReadonlySet<string>
  readonly partitions: Map<string, TopicPartition>
  /** Of them, by topic, what belongs to nobody yet. */
  readonly loose: Map<string, TopicPartition[]>
}

/** A share that can take a partition once `from` has taken another one in its place. */
interface Step {
  readonly share: Share
  readonly partition: TopicPartition
  readonly from: Step | undefined
}

/**
 * Who gets what: everybody keeps what they have as far as shares stay even, and what goes from one to another is
 * given to nobody before it was given up, in another round. @platformatic/kafka's own assigner leaves members without
 * any where the others have at most their quota (6 partitions: 2, 2, 2 and 0), and gives away at once what a member
 * has that missed a round.
 *
 * Rounds come to an end, whatever topics each member reads: what belongs to nobody is placed in the best way there is
 * (least sum of squares of all sizes), so no worse than the round meant to that set it free, and whoever has to give
 * up something for it makes that sum less. Placed in just any order, it could be taken back and forth for ever.
 */
export function shareOut(
  members: readonly Claimant[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const shares = members
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map((member): Share => ({ member, topics: new Set(member.topics), partitions: new Map(), loose: new Map() }))
  const claims = readClaims(shares)
  const unowned = partitionsOf(partitionCounts).filter((partition) => {
    const owner = ownerOf(partition, claims)
    owner?.partitions.set(nameOf(partition), partition)
    return !owner
  })
  for (const partition of unowned) place(partition, shares)
  even(shares, claims)
  return new Map(
    shares.map((share) => {
      const own = [...share.partitions.values()].filter((partition) => isFree(partition, share, claims))
      return [share.member.memberId, own]
    }),
  )
}

type Claims = ReadonlyMap<string, readonly Share[]>

/** By partition, the newest generation first. */
function readClaims(shares: readonly Share[]): Claims {
  const claims = new Map<string, Share[]>()
  const newestFirst = shares.toSorted((a, b) => b.member.generationId - a.member.generationId)
  for (const share of newestFirst) {
    for (const { topic, partitions } of share.member.ownedPartitions) {
      for (const partition of partitions) {
        const name = nameOf({ topic, partition })
        claims.set(name, [...(claims.get(name) ?? []), share])
      }
    }
  }
  return claims
}

/** Nobody, where two say so of one generation: then neither can be trusted. */
function ownerOf(partition: TopicPartition, claims: Claims): Share | undefined {
  const [first, second] = claims.get(nameOf(partition)) ?? []
  if (!first || !mayRead(first, partition)) return undefined
  return first.member.generationId === second?.member.generationId ? undefined : first
}

function isFree(partition: TopicPartition, share: Share, claims: Claims): boolean {
  const others = (claims.get(nameOf(partition)) ?? []).filter((each) => each !== share)
  return others.length === 0 || ownerOf(partition, claims) === share
}

/** To the smallest share that can be reached, also by passing on others that belong to nobody (optimal semi-matching). */
function place(partition: TopicPartition, shares: readonly Share[]): void {
  const steps: Step[] = []
  const reached = new Set<Share>()
  const topics = new Set<string>()
  const reach = (passed: TopicPartition, from: Step | undefined): void => {
    topics.add(passed.topic)
    for (const share of shares) {
      if (reached.has(share) || !mayRead(share, passed)) continue
      reached.add(share)
      steps.push({ share, partition: passed, from })
    }
  }
  reach(partition, undefined)
  for (const step of steps) {
    if (reached.size === shares.length) break
    for (const [topic, loose] of step.share.loose) {
      const passed = loose.at(-1)
      if (passed && !topics.has(topic)) reach(passed, step)
    }
  }
  let step = steps.reduce<Step | undefined>(
    (best, each) => (best && best.share.partitions.size <= each.share.partitions.size ? best : each),
    undefined,
  )
  for (; step; step = step.from) {
    const { share, partition: taken, from } = step
    const loose = share.loose.get(taken.topic)
    share.partitions.set(nameOf(taken), taken)
    if (loose) loose.push(taken)
    else share.loose.set(taken.topic, [taken])
    from?.share.partitions.delete(nameOf(taken))
    from?.share.loose.get(taken.topic)!.pop()
  }
}

/** Moves single partitions to who has two less, those first that nobody has to give up. */
function even(shares: readonly Share[], claims: Claims): void {
  const isClaimed = (partition: TopicPartition): number => (claims.has(nameOf(partition)) ? 1 : 0)
  for (let moved = true; moved;) {
    moved = false
    for (const share of shares) {
      const movable = [...share.partitions.values()].toSorted((a, b) => isClaimed(a) - isClaimed(b))
      for (const partition of movable) {
        const other = smallest(partition, shares)!
        if (other.partitions.size + 1 >= share.partitions.size) continue
        share.partitions.delete(nameOf(partition))
        other.partitions.set(nameOf(partition), partition)
        moved = true
      }
    }
  }
}

function smallest(partition: TopicPartition, shares: readonly Share[]): Share | undefined {
  let found: Share | undefined
  for (const share of shares) {
    if (!mayRead(share, partition)) continue
    if (!found || share.partitions.size < found.partitions.size) found = share
  }
  return found
}

function mayRead({ topics }: Share, { topic }: TopicPartition): boolean {
  return topics.has(topic)
}

function partitionsOf(counts: ReadonlyMap<string, number>): TopicPartition[] {
  return Array.from(counts).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  )
}
