import type { MessagingConfig, ProducerConfig } from '../config/fields.ts'
import type { Client } from '../driver/client.ts'
import type { ClientProfile, Driver } from '../driver/driver.ts'
import type { AvroSchema } from '../encoding/avro-codec.ts'
import { createCodec } from '../encoding/create-codec.ts'
import type { SchemaRegistry } from '../encoding/schema-registry.ts'
import type { MessageMeter } from '../instrumentation/message-meter.ts'
import type { PayloadLog } from '../instrumentation/payload-log.ts'
import type { TraceSwitch } from '../instrumentation/tracing.ts'
import { createTopic } from './create-topic.ts'
import { hasOwnHook } from './message-encoder.ts'
import { createMessageIds } from './message-id.ts'
import type { MiddlewareChain } from './middleware.ts'
import { PartitionCount } from './partition-count.ts'
import { Producer } from './producer.ts'
import type { ReadManifest } from './read-manifest.ts'
import { schemaRegistryOf } from './create-schema-registry.ts'
import { resolveSubject } from './resolve-subject.ts'
import { resolveTopic } from './resolve-topic.ts'

export interface ProducerEnvironment {
  readonly instance: string
  readonly config: MessagingConfig
  readonly tracing?: TraceSwitch | undefined
  readonly meterOf?: (topic: string) => MessageMeter | undefined
  readonly payloadLog?: PayloadLog | undefined
  readonly middleware?: MiddlewareChain | undefined
  readonly createMessageId?: () => Buffer
  readonly schemaRegistry: () => SchemaRegistry
  /** The shared client for a producer's profile. */
  readonly connect: () => Promise<{ client: Client; driver: Driver; driverName: string; profile: ClientProfile }>
}

/** Manifest and resolved configuration become a live producer. */
export async function createProducer(
  manifest: ReadManifest,
  config: ProducerConfig,
  environment: ProducerEnvironment,
): Promise<Producer> {
  const { name } = manifest
  const topic = resolveTopic(name, manifest.topic, config.topic, environment.config)
  // What needs no network first: a bad schema should not have to wait for a broker.
  const subjectOf = (part: 'key' | 'value', schema: AvroSchema | undefined): string =>
    resolveSubject({
      manifest: name,
      topic,
      part,
      schema,
      strategy: config.subjectStrategy,
      hook: (of, asked) => manifest.instance.subject(of, asked),
    })
  const { longs, keySchema, references } = manifest
  const schemaRegistry = schemaRegistryOf(manifest, environment)
  const codec = await createCodec({
    manifest: name,
    codec: manifest.codec,
    schema: manifest.schema,
    references,
    writers: manifest.writerSchemas,
    longs,
    // Only this codec registers its schema, so only its schema needs a name.
    subject: subjectOf('value', manifest.codec === 'avro' ? manifest.schema : undefined),
    schemaRegistry,
  })
  const keyCodec =
    keySchema === undefined
      ? undefined
      : await createCodec({
          manifest: `${name} (its key)`,
          codec: 'avro',
          schema: keySchema,
          references,
          longs,
          subject: subjectOf('key', keySchema),
          schemaRegistry,
        })
  const { client, driver, driverName, profile } = await environment.connect()
  if (config.createTopic === 'if-missing') {
    await createTopic(driver, { manifest: name, topic, askedBy: 'createTopic' }, manifest.topicConfig)
  }
  const partitions =
    driver.partitionCount && hasOwnHook(manifest.instance, 'partition')
      ? new PartitionCount(() => driver.partitionCount!(topic))
      : undefined
  await partitions?.refresh()
  const { messageIdHeader: header } = config
  return new Producer({
    name,
    manifest: manifest.instance,
    topic,
    codec,
    keyCodec,
    client,
    driverName,
    instance: environment.instance,
    tracing: environment.tracing,
    meter: environment.meterOf?.(topic),
    payloadLog: environment.payloadLog,
    // The client of a transaction has settings of its own.
    maxMessageBytes: Math.min(config.maxMessageBytes, profile.maxMessageBytes),
    partitions,
    middleware: environment.middleware,
    messageId: config.messageId ? { header, create: environment.createMessageId ?? createMessageIds() } : undefined,
  })
}
