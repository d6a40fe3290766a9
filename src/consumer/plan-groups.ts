import type { ConsumerConfig } from '../config/fields.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { ConsumerPlan } from '../factory/create-consumer-plan.ts'

/** What consumers must have in common to be one member of their group. */
const membershipFields = [
  'instanceId',
  'protocol',
  'startFrom',
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'maxPollIntervalMs',
  'isolation',
  'prefetchMaxBytes',
  'fetchMaxWaitMs',
  'commitIntervalMs',
  'lagIntervalMs',
] as const satisfies readonly (keyof ConsumerConfig)[]

/** The consumers of each group. @throws MANIFEST_INVALID where two of a group cannot be one member */
export function planGroups(plans: readonly ConsumerPlan[]): ReadonlyMap<string, readonly ConsumerPlan[]> {
  const names = new Set<string>()
  for (const { name } of plans) {
    if (names.has(name)) throw invalid(name, 'manifestName', 'is given twice')
    names.add(name)
  }
  const groups = Map.groupBy(plans, ({ group }) => group)
  for (const [group, [first, ...others]] of groups) {
    const taken = new Map(first!.topics.map((topic) => [String(topic), first!.name]))
    for (const other of others) {
      const differs = membershipFields.find((field) => other.config[field] !== first!.config[field])
      if (differs !== undefined) {
        const reason = `must be as in ${first!.name}, which is in the same group (${group})`
        throw invalid(other.name, differs, reason)
      }
      for (const topic of other.topics.map(String)) {
        const owner = taken.get(topic)
        if (owner !== undefined) throw invalid(other.name, 'topic', `${topic} is read by ${owner} of the same group`)
        taken.set(topic, other.name)
      }
    }
  }
  return groups
}

function invalid(manifest: string, attribute: string, reason: string): MessagingError {
  return new MessagingError('MANIFEST_INVALID', { manifest, attribute, reason }, { manifest })
}
