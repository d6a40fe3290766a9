import { consumerFields, type ConsumerOptions } from '../config/fields.ts'
import { describeType } from '../encoding/codec.ts'
import {
  consumerNameOf,
  type ConsumerManifest,
  type ConsumerManifestClass,
  type TopicName,
} from './consumer-manifest.ts'
import { checkTopicConfig } from './create-topic.ts'
import { createManifest, readAttributes, readEncoding, type ManifestEncoding } from './manifest-encoding.ts'

/** A consumer manifest with everything checked that does not depend on configuration. */
export interface ReadConsumerManifest extends ManifestEncoding {
  readonly name: string
  readonly instance: ConsumerManifest
  /** Attributes that are fields of the config table. */
  readonly attributes: ConsumerOptions
  readonly topics: readonly TopicName[]
  readonly pattern: RegExp | undefined
}

/** How its messages are taken: by a method of the manifest, or pulled from a stream. */
export type ConsumerUse = 'run' | 'stream'

const hooks = ['filter', 'handle', 'handleBatch', 'retries'] as const

/** Makes the instance and checks its attributes. @throws MANIFEST_INVALID naming class and attribute */
export function readConsumerManifest(Manifest: ConsumerManifestClass, use: ConsumerUse = 'run'): ReadConsumerManifest {
  const name = consumerNameOf(Manifest)
  const { instance, invalid } = createManifest(Manifest, name)
  const { topic, topics, pattern } = instance
  if ([topic, topics, pattern].filter((given) => given !== undefined).length !== 1) {
    throw invalid('topic', 'or topics or pattern must be set, one of them')
  }
  const names: readonly unknown[] = Array.isArray(topics) ? topics : topics === undefined ? [topic] : []
  if (pattern === undefined) {
    const stray = names.find((each) => typeof each !== 'string' && typeof each !== 'function')
    if (names.length === 0 || stray !== undefined || topic === null) {
      const attribute = topics === undefined ? 'topic' : 'topics'
      throw invalid(attribute, 'must be a string or a function of the environment; topics a list of such')
    }
  } else if (!(pattern instanceof RegExp) || !pattern.source.startsWith('^') || pattern.flags !== '') {
    throw invalid('pattern', 'must be a RegExp that begins with ^ and has no flags')
  }
  for (const hook of hooks) {
    const given: unknown = instance[hook]
    if (given !== undefined && typeof given !== 'function')
      throw invalid(hook, `must be a method, not ${describeType(given)}`)
  }
  if (use === 'run' && (instance.handle === undefined) === (instance.handleBatch === undefined)) {
    throw invalid('handle', 'or handleBatch must be there, one of them')
  }
  const { retryTopicConfig = {}, deadLetterTopicConfig = {} } = instance
  for (const [attribute, given] of Object.entries({ retryTopicConfig, deadLetterTopicConfig }))
    checkTopicConfig(attribute, given, invalid)
  return {
    name,
    instance,
    attributes: readAttributes(instance, consumerFields),
    topics: pattern === undefined ? (names as readonly TopicName[]) : [],
    pattern,
    ...readEncoding(instance, invalid),
  }
}
