import type { ConsumerConfig } from '../config/fields.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { ConsumerPlan } from '../factory/create-consumer-plan.ts'

/** What consumers must have in common to be one member of their group. */
const membershipFields = [
  'instanceId',
  'protocol',
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'maxPollIntervalMs',
  'isolation',
  'prefetchMaxBytes',
  'bufferTotalMaxBytes',
  'fetchMaxWaitMs',
  'commitIntervalMs',
  'lagIntervalMs',
] as const satisfies readonly (keyof ConsumerConfig)[]

/** Consumers that share a client: those that join one group, or one that reads partitions without joining. */
export interface MemberPlan {
  /** Empty where there is none. */
  readonly group: string
  readonly consumers: readonly ConsumerPlan[]
}

/** Who shares a client with whom. @throws MANIFEST_INVALID where two of a group cannot be one member */
export function planGroups(plans: readonly ConsumerPlan[]): readonly MemberPlan[] {
  const names = new Set<string>()
  for (const { name } of plans) {
    if (names.has(name)) throw invalid(name, 'manifestName', 'is given twice')
    names.add(name)
  }
  const groups = Map.groupBy(plans, ({ group }) => group)
  for (const [group, [first, ...others]] of groups) {
    // Without a group nobody is in the way of others.
    if (group === '') continue
    const taken = new Map(first!.subscription.map((topic) => [String(topic), first!.name]))
    for (const other of others) {
      if ((other.partitions === undefined) !== (first!.partitions === undefined)) {
        const [direct, member] = other.partitions === undefined ? [first!, other] : [other, first!]
        const reason = `need a group of their own: ${member.name} joins ${group}, which takes offsets of its members only`
        throw invalid(direct.name, 'partitions', reason)
      }
      const differs =
        other.partitions === undefined
          ? membershipFields.find((field) => other.config[field] !== first!.config[field])
          : undefined
      if (differs !== undefined) {
        const reason = `must be as in ${first!.name}, which is in the same group (${group})`
        throw invalid(other.name, differs, reason)
      }
      for (const topic of other.subscription.map(String)) {
        const owner = taken.get(topic)
        if (owner !== undefined) throw invalid(other.name, 'topic', `${topic} is read by ${owner} of the same group`)
        taken.set(topic, other.name)
      }
    }
  }
  return [...groups].flatMap(([group, consumers]) =>
    consumers[0]!.partitions === undefined
      ? [{ group, consumers }]
      : consumers.map((consumer) => ({ group, consumers: [consumer] })),
  )
}

function invalid(manifest: string, attribute: string, reason: string): MessagingError {
  return new MessagingError('MANIFEST_INVALID', { manifest, attribute, reason }, { manifest })
}
