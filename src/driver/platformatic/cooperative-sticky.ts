import type { TopicPartition } from '../driver-consumer.ts'
import type { Cluster } from './cluster.ts'
import type { LibraryMember, LibraryPartitions, PlatformaticModule } from './platformatic-module.ts'
import { shareOut } from './sticky-shares.ts'

/** As the coordinator tells the leader of a group. */
export interface JoinedMember {
  readonly memberId: string
  readonly metadata: Buffer
}

/** The newest that Kafka has; older readers take of it what they know. */
const subscriptionVersion = 3
const assignmentVersion = 1

/** What a member says of itself when it joins. */
export function writeSubscription(
  library: Pick<PlatformaticModule, 'encodeConsumerProtocolSubscription'>,
  topics: readonly string[],
  owned: readonly TopicPartition[],
  generation: number,
): Buffer {
  const generationId = owned.length > 0 ? generation : -1
  // Where Java looked for the generation before version 2 had a place for it.
  const userData = Buffer.alloc(4)
  userData.writeInt32BE(generationId)
  return library.encodeConsumerProtocolSubscription({
    version: subscriptionVersion,
    topics,
    userData,
    ownedPartitions: byTopic(owned),
    generationId,
    rackId: null,
  })
}

export function readAssignment(
  library: Pick<PlatformaticModule, 'decodeConsumerProtocolAssignment'>,
  bytes: Buffer,
): readonly TopicPartition[] {
  const { assignedPartitions } = library.decodeConsumerProtocolAssignment(bytes)
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

/** What the leader decides, and what it rests on. @throws LibraryError */
export async function assignPartitions(
  library: PlatformaticModule,
  joined: readonly JoinedMember[],
  cluster: Pick<Cluster, 'metadata'>,
): Promise<{ assignments: readonly unknown[]; partitionCounts: ReadonlyMap<string, number> }> {
  const members = joined.map((member) => readMember(library, member))
  const topics = new Set(members.flatMap((member) => member.topics))
  const found = await cluster.metadata([...topics])
  const partitionCounts = new Map(Array.from(topics, (topic) => [topic, found.get(topic)?.leaders.length ?? 0]))
  const assignments = Array.from(shareOut(members, partitionCounts), ([memberId, share]) => ({
    memberId,
    assignment: library.encodeConsumerProtocolAssignment({
      version: assignmentVersion,
      assignedPartitions: byTopic(share),
    }),
  }))
  return { assignments, partitionCounts }
}

function readMember(library: PlatformaticModule, { memberId, metadata }: JoinedMember): LibraryMember {
  const subscription = library.decodeConsumerProtocolSubscription(metadata)
  const { version, userData } = subscription
  const generationId = version < 2 ? library.decodeCooperativeStickyGeneration(userData) : subscription.generationId
  return { ...subscription, memberId, generationId }
}

function byTopic(partitions: readonly TopicPartition[]): LibraryPartitions[] {
  return Array.from(
    Map.groupBy(partitions, ({ topic }) => topic),
    ([topic, of]) => ({ topic, partitions: of.map(({ partition }) => partition) }),
  )
}
