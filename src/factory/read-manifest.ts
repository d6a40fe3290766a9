import { isManifestName } from '../config/config-store.ts'
import { producerFields, type ProducerOptions } from '../config/fields.ts'
import type { Codec } from '../encoding/codec.ts'
import { describeType } from '../encoding/codec.ts'
import { codecNames, type CodecName } from '../encoding/create-codec.ts'
import type { AvroSchema } from '../encoding/avro-codec.ts'
import type { LongShape } from '../encoding/exact-long.ts'
import type { ReferencedSchema } from '../encoding/schema-references.ts'
import type { SchemaRegistry } from '../encoding/schema-registry.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import {
  manifestNameOf,
  type ProducerManifest,
  type ProducerManifestClass,
  type TopicConfig,
} from './producer-manifest.ts'

/** A manifest instance with everything checked that does not depend on configuration. */
export interface ReadManifest<Payload = unknown> {
  readonly name: string
  readonly instance: ProducerManifest<Payload>
  /** Attributes that are fields of the config table. */
  readonly attributes: ProducerOptions
  readonly topic: string | ((environment: string) => string)
  readonly codec: CodecName | Codec
  readonly schema: AvroSchema | undefined
  readonly keySchema: AvroSchema | undefined
  readonly references: readonly ReferencedSchema[]
  readonly writerSchemas: readonly AvroSchema[]
  readonly schemaRegistry: SchemaRegistry | undefined
  readonly longs: LongShape | undefined
  readonly topicConfig: TopicConfig
}

const hooks = ['key', 'headers', 'partition', 'timestamp', 'prepare', 'subject'] as const

/** Makes the instance and checks its attributes. @throws MANIFEST_INVALID naming class and attribute */
export function readManifest(Manifest: ProducerManifestClass): ReadManifest {
  const manifest = manifestNameOf(Manifest)
  const invalid = (attribute: string, reason: string, cause?: unknown): MessagingError =>
    new MessagingError(
      'MANIFEST_INVALID',
      { manifest, attribute, reason },
      { manifest, ...(cause === undefined ? {} : { cause }) },
    )

  if (!isManifestName(manifest)) {
    throw invalid('manifestName', `must be letters, digits, "_", "$" or "-", not ${JSON.stringify(manifest)}`)
  }
  let instance: ProducerManifest<unknown>
  try {
    instance = new Manifest()
  } catch (error) {
    throw invalid('constructor', 'threw when the instance was made', error)
  }

  const { topic, schema, codec = schema === undefined ? 'json' : 'avro', topicConfig = {} } = instance
  if (typeof topic !== 'string' && typeof topic !== 'function') {
    throw invalid('topic', `must be a string or a function of the environment, not ${describeType(topic)}`)
  }
  const { keySchema, references = [], writerSchemas = [] } = instance
  const checkSchema = (attribute: string, given: unknown): void => {
    if (given === undefined || typeof given === 'string' || (typeof given === 'object' && given !== null)) return
    throw invalid(attribute, `must be an Avro schema as object or JSON text, not ${describeType(given)}`)
  }
  for (const [attribute, given] of Object.entries({ schema, keySchema })) checkSchema(attribute, given)
  for (const [attribute, given] of Object.entries({ references, writerSchemas })) {
    if (!Array.isArray(given)) throw invalid(attribute, `must be a list of Avro schemas, not ${describeType(given)}`)
    for (const [index, each] of given.entries()) checkSchema(`${attribute}[${index}]`, each ?? null)
  }
  const isCodecObject =
    typeof codec === 'object' &&
    codec !== null &&
    typeof codec.encode === 'function' &&
    typeof codec.decode === 'function'
  if (!isCodecObject && !codecNames.some((name) => name === codec)) {
    throw invalid('codec', `must be one of ${codecNames.join(', ')}, or an object with encode and decode`)
  }
  if (codec === 'avro' && schema === undefined) throw invalid('schema', 'is missing, and codec is avro')
  const { schemaRegistry, longs } = instance
  if (longs !== undefined && longs !== 'number' && longs !== 'bigint') {
    throw invalid('longs', `must be 'number' or 'bigint', not ${describeType(longs)}`)
  }
  if (
    schemaRegistry !== undefined &&
    (typeof schemaRegistry?.register !== 'function' || typeof schemaRegistry.getById !== 'function')
  ) {
    throw invalid('schemaRegistry', 'must be an object with register and getById, as createHttpSchemaRegistry makes it')
  }
  for (const hook of hooks) {
    if (typeof instance[hook] !== 'function')
      throw invalid(hook, `must be a method, not ${describeType(instance[hook])}`)
  }
  checkTopicConfig(topicConfig, invalid)

  const attributes: ProducerOptions = Object.fromEntries(
    Object.keys(producerFields)
      .filter((name) => name !== 'topic')
      .map((name) => [name, (instance as unknown as Record<string, unknown>)[name]])
      .filter(([, value]) => value !== undefined),
  )
  return {
    name: manifest,
    instance,
    attributes,
    topic,
    codec,
    schema,
    keySchema,
    references,
    writerSchemas,
    schemaRegistry,
    longs,
    topicConfig,
  }
}

function checkTopicConfig(
  topicConfig: TopicConfig,
  invalid: (attribute: string, reason: string) => MessagingError,
): void {
  if (typeof topicConfig !== 'object' || topicConfig === null) throw invalid('topicConfig', 'must be an object')
  const { partitions = 1, replicationFactor = 1, config = {}, ...unknown } = topicConfig
  const [stray] = Object.keys(unknown)
  if (stray !== undefined)
    throw invalid(`topicConfig.${stray}`, 'is not known; known are partitions, replicationFactor and config')
  for (const [name, value] of Object.entries({ partitions, replicationFactor })) {
    if (!Number.isInteger(value) || value < 1) throw invalid(`topicConfig.${name}`, 'must be an integer from 1')
  }
  if (typeof config !== 'object' || config === null) throw invalid('topicConfig.config', 'must be an object')
  for (const [name, value] of Object.entries(config)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw invalid(`topicConfig.config['${name}']`, `must be a string, number or boolean, not ${describeType(value)}`)
    }
  }
}
