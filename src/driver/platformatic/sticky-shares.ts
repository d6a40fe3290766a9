import { nameOf, type TopicPartition } from '../driver-consumer.ts'
import type { LibraryMember } from './platformatic-module.ts'

type Claimant = Pick<LibraryMember, 'memberId' | 'topics' | 'ownedPartitions' | 'generationId'>

interface Share {
  readonly member: Claimant
  readonly partitions: Map<string, TopicPartition>
}

/**
 * Who gets what: everybody keeps what they have as far as shares stay even, and what goes from one to another is
 * given to nobody before it was given up, in another round. @platformatic/kafka's own assigner leaves members without
 * any where the others have at most their quota (6 partitions: 2, 2, 2 and 0), and gives away at once what a member
 * has that missed a round.
 */
export function shareOut(
  members: readonly Claimant[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const shares = members
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map((member): Share => ({ member, partitions: new Map() }))
  const claims = readClaims(shares)
  for (const partition of partitionsOf(partitionCounts)) {
    const share = ownerOf(partition, claims) ?? smallest(partition, shares)
    share?.partitions.set(nameOf(partition), partition)
  }
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

function mayRead({ member }: Share, { topic }: TopicPartition): boolean {
  return member.topics.includes(topic)
}

function partitionsOf(counts: ReadonlyMap<string, number>): TopicPartition[] {
  return Array.from(counts).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  )
}
