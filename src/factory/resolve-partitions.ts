import type { ConsumerConfig } from '../config/fields.ts'
import { MessagingError } from '../errors/messaging-error.ts'

/** What is read of each topic without joining a group. */
export type DirectPartitions = ReadonlyMap<string, readonly number[] | 'all'>

/**
 * The partitions that a consumer names, by topic; undefined where it leaves them to its group.
 * @param topics with their prefix
 * @throws MANIFEST_INVALID where they name no topic of it, or a topic has none
 */
export function resolvePartitions(
  manifest: string,
  { partitions }: Pick<ConsumerConfig, 'partitions'>,
  topics: readonly (string | RegExp)[],
  prefix: string,
): DirectPartitions | undefined {
  if (partitions === undefined) return undefined
  const invalid = (reason: string): MessagingError =>
    new MessagingError('MANIFEST_INVALID', { manifest, attribute: 'partitions', reason }, { manifest })
  const names = topics.filter((topic) => typeof topic === 'string')
  if (names.length < topics.length) throw invalid('need topics by name, and there is a pattern')
  if (partitions === 'all' || isList(partitions)) return new Map(names.map((topic) => [topic, partitions]))
  const byTopic = new Map(Object.entries(partitions))
  const found = new Map<string, readonly number[] | 'all'>()
  for (const topic of names) {
    // As it was declared, or with its prefix.
    const key = [topic.slice(prefix.length), topic].find((name) => byTopic.has(name))
    if (key === undefined) throw invalid(`say nothing about ${topic}`)
    found.set(topic, byTopic.get(key)!)
    byTopic.delete(key)
  }
  const [stray] = byTopic.keys()
  if (stray !== undefined) throw invalid(`name ${stray}, which is no topic of it`)
  return found
}

function isList(given: unknown): given is readonly number[] {
  return Array.isArray(given)
}
