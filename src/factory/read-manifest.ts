import { producerFields, type ProducerOptions } from '../config/fields.ts'
import { describeType } from '../encoding/codec.ts'
import { checkTopicConfig, type TopicConfig } from './create-topic.ts'
import { createManifest, readAttributes, readEncoding, type ManifestEncoding } from './manifest-encoding.ts'
import { manifestNameOf, type ProducerManifest, type ProducerManifestClass } from './producer-manifest.ts'

/** A manifest instance with everything checked that does not depend on configuration. */
export interface ReadManifest<Payload = unknown> extends ManifestEncoding {
  readonly name: string
  readonly instance: ProducerManifest<Payload>
  /** Attributes that are fields of the config table. */
  readonly attributes: ProducerOptions
  readonly topic: string | ((environment: string) => string)
  readonly topicConfig: TopicConfig
}

const hooks = ['key', 'headers', 'partition', 'timestamp', 'prepare', 'subject'] as const

/** Makes the instance and checks its attributes. @throws MANIFEST_INVALID naming class and attribute */
export function readManifest(Manifest: ProducerManifestClass): ReadManifest {
  const name = manifestNameOf(Manifest)
  const { instance, invalid } = createManifest(Manifest, name)
  const { topic, topicConfig = {} } = instance
  if (typeof topic !== 'string' && typeof topic !== 'function') {
    throw invalid('topic', `must be a string or a function of the environment, not ${describeType(topic)}`)
  }
  const encoding = readEncoding(instance, invalid)
  for (const hook of hooks) {
    if (typeof instance[hook] !== 'function')
      throw invalid(hook, `must be a method, not ${describeType(instance[hook])}`)
  }
  checkTopicConfig('topicConfig', topicConfig, invalid)
  return { name, instance, attributes: readAttributes(instance, producerFields), topic, topicConfig, ...encoding }
}
