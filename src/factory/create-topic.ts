import { describeType } from '../encoding/codec.ts'
import type { Driver } from '../driver/driver.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import type { InvalidManifest } from './manifest-encoding.ts'

/** How a topic is made that is missing, where configuration says that it is to be created. */
export interface TopicConfig {
  /** Default: the broker’s `num.partitions`; for a retry or dead letter topic as many as the topic has whose messages go there. */
  readonly partitions?: number
  /** Default: the broker’s `default.replication.factor`. */
  readonly replicationFactor?: number
  /** Topic settings by their Kafka names, e.g. `'retention.ms': 604_800_000`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

export interface MissingTopic {
  readonly manifest: string
  readonly topic: string
  /** The field that asks for it. */
  readonly askedBy: 'createTopic' | 'createFailureTopics'
}

/**
 * Creates a topic unless it exists.
 * @throws TOPIC_INVALID where the driver cannot, or the broker takes no such topic; AUTHORIZATION_DENIED; and as the driver’s `ensureTopic`
 */
export async function createTopic(
  driver: Pick<Driver, 'ensureTopic' | 'partitionCount'>,
  { manifest, topic, askedBy }: MissingTopic,
  { partitions = -1, replicationFactor = -1, config = {} }: TopicConfig,
): Promise<void> {
  if (!driver.ensureTopic) {
    const reason = `this driver cannot create topics; set ${askedBy} to "never"`
    throw new MessagingError('TOPIC_INVALID', { reason }, { manifest, topic })
  }
  const stringified = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]))
  try {
    await driver.ensureTopic({ topic, partitions, replicationFactor, config: stringified })
  } catch (error) {
    // Brokers refuse who may not create before they look whether there is anything to do.
    if (!isMessagingError(error, 'AUTHORIZATION_DENIED')) throw error
    if (await exists()) return
    const reason = `${topic} is missing, and creating it needs CREATE on the topic or the cluster`
    const { driverCode, outcome } = error
    throw new MessagingError('AUTHORIZATION_DENIED', { reason }, { manifest, topic, driverCode, outcome, cause: error })
  }

  async function exists(): Promise<boolean> {
    return ((await driver.partitionCount?.(topic).catch(() => 0)) ?? 0) > 0
  }
}

/** @throws MANIFEST_INVALID */
export function checkTopicConfig(attribute: string, topicConfig: TopicConfig, invalid: InvalidManifest): void {
  if (typeof topicConfig !== 'object' || topicConfig === null) throw invalid(attribute, 'must be an object')
  const { partitions = 1, replicationFactor = 1, config = {}, ...unknown } = topicConfig
  const [stray] = Object.keys(unknown)
  if (stray !== undefined)
    throw invalid(`${attribute}.${stray}`, 'is not known; known are partitions, replicationFactor and config')
  for (const [name, value] of Object.entries({ partitions, replicationFactor })) {
    if (!Number.isInteger(value) || value < 1) throw invalid(`${attribute}.${name}`, 'must be an integer from 1')
  }
  if (typeof config !== 'object' || config === null) throw invalid(`${attribute}.config`, 'must be an object')
  for (const [name, value] of Object.entries(config)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      const reason = `must be a string, number or boolean, not ${describeType(value)}`
      throw invalid(`${attribute}.config['${name}']`, reason)
    }
  }
}
