import { environmentName } from '../config/environment.ts'
import type { ConsumerConfig, MessagingConfig } from '../config/fields.ts'
import type { Codec } from '../encoding/codec.ts'
import { createCodec } from '../encoding/create-codec.ts'
import type { SchemaRegistry } from '../encoding/schema-registry.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { ConsumerManifest } from './consumer-manifest.ts'
import { schemaRegistryOf } from './create-schema-registry.ts'
import type { ReadConsumerManifest } from './read-consumer-manifest.ts'
import { resolvePartitions, type DirectPartitions } from './resolve-partitions.ts'
import { resolveTopic } from './resolve-topic.ts'
import { refuseRetryOrder, RetryTopics } from './retry-topics.ts'

/** What one consumer does, resolved: the runtime needs no configuration beside it. */
export interface ConsumerPlan {
  readonly name: string
  /** Empty where there is none: partitions are read without one. */
  readonly group: string
  readonly manifest: ConsumerManifest
  readonly config: ConsumerConfig
  /** With their prefix; a RegExp follows topics as they come and go. */
  readonly topics: readonly (string | RegExp)[]
  /** Those that it reads without joining a group; undefined where the group decides. */
  readonly partitions: DirectPartitions | undefined
  /** Whether a topic is one of its own; retry topics are not. */
  readonly reads: (topic: string) => boolean
  readonly retryTopics: RetryTopics
  /** All that it subscribes to: its topics, and its retry topics. */
  readonly subscription: readonly (string | RegExp)[]
  readonly codec: Codec
  /** The topic for dead letters of messages of `topic`. */
  readonly deadLetterTopic: (topic: string) => string
}

export interface ConsumerEnvironment {
  readonly instance: string
  readonly config: MessagingConfig
  readonly schemaRegistry: () => SchemaRegistry
}

/** Manifest and resolved configuration become a plan. @throws CONFIG_MISSING, MANIFEST_INVALID, SCHEMA_INVALID */
export async function createConsumerPlan(
  manifest: ReadConsumerManifest,
  config: ConsumerConfig,
  environment: ConsumerEnvironment,
): Promise<ConsumerPlan> {
  const { name, pattern, references, longs } = manifest
  const { group = '', partitions, deadLetterTopic } = config
  if (group === '' && partitions === undefined) {
    const path = `consumers.${name}.group`
    throw new MessagingError('CONFIG_MISSING', { path, env: environmentName('consumer.group') }, { manifest: name })
  }
  const resolve = (declared: ReadConsumerManifest['topics'][number], override?: string): string =>
    resolveTopic(name, declared, override, environment.config)
  const prefix = resolve('x').slice(0, -1)
  const topics =
    config.topic !== undefined
      ? [resolve(config.topic)]
      : pattern === undefined
        ? manifest.topics.map((topic) => resolve(topic))
        : [prefixed(pattern, prefix, config)]
  if (
    typeof config.startFrom === 'object' &&
    'offsets' in config.startFrom &&
    (topics.length > 1 || pattern !== undefined)
  ) {
    const reason = 'has offsets, which are of one topic'
    throw new MessagingError('MANIFEST_INVALID', { manifest: name, attribute: 'startFrom', reason }, { manifest: name })
  }
  const codec = await createCodec({
    manifest: name,
    codec: manifest.codec,
    schema: manifest.schema,
    references,
    writers: manifest.writerSchemas,
    longs,
    // Only sends register.
    subject: '',
    schemaRegistry: schemaRegistryOf(manifest, environment),
  })
  const ofTopic = deadLetterTopic.includes('{topic}')
  // Once, so that a name that cannot be is found now.
  const forAll = ofTopic ? '' : resolve(deadLetterTopic)
  refuseRetryOrder(name, config)
  const retryTopics = new RetryTopics({ manifest: name, group, topics }, config, resolve)
  return {
    name,
    group,
    manifest: manifest.instance,
    config,
    topics,
    partitions: resolvePartitions(name, config, topics, prefix),
    reads: (topic) => topics.some((each) => (typeof each === 'string' ? each === topic : each.test(topic))),
    retryTopics,
    subscription: [...topics, ...retryTopics.names],
    codec,
    deadLetterTopic: (topic) => (ofTopic ? deadLetterTopic.replaceAll('{topic}', () => topic) : forAll),
  }
}

/** Without the dead letter topics of the consumer itself: it would read them, and write dead letters of dead letters. */
function prefixed(
  pattern: RegExp,
  prefix: string,
  { onFailure, deadLetterTopic }: Pick<ConsumerConfig, 'onFailure' | 'deadLetterTopic'>,
): RegExp {
  const dead = deadLetterTopic.includes('{topic}')
    ? deadLetterTopic.split('{topic}').map(escape).join('.+')
    : escape(`${prefix}${deadLetterTopic}`)
  const others = onFailure === 'dead-letter' ? `(?!${dead}$)` : ''
  return new RegExp(`^${others}${escape(prefix)}(?:${pattern.source.slice(1)})`)
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
