import { createDriverError } from '../driver-error.ts'
import type { TopicSpecification } from '../driver.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import type { NativeModule, NativeProducer } from './native-module.ts'

const topicAlreadyExists = 36
const askAgainMs = 20

/**
 * Creates the topic unless it exists, and waits until every partition of a new one is led, at most `timeoutMs` each.
 *
 * A broker that is not ready to lead a partition refuses a request, and takes the next one that is on the wire as the beginning of
 * the sequence; what it refused comes again and is dropped as a duplicate. librdkafka calls that a success, without an offset.
 * @throws TOPIC_INVALID, BROKERS_UNREACHABLE and other failures of the request
 */
export async function ensureTopic(
  native: NativeModule,
  producer: NativeProducer,
  specification: TopicSpecification,
  timeoutMs: number,
): Promise<void> {
  if (!(await createTopic(native, producer, specification, timeoutMs))) return
  const { topic } = specification
  const deadline = performance.now() + timeoutMs
  let waiting: readonly number[] | undefined
  for (let left = timeoutMs; left > 0; left = Math.ceil(deadline - performance.now())) {
    waiting = await unledOf(producer, topic, waiting ?? (await partitionsOf(producer, topic, left)), left)
    if (waiting?.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, askAgainMs))
  }
}

/** False where it was there. */
function createTopic(
  native: NativeModule,
  producer: NativeProducer,
  { topic, partitions, replicationFactor, config }: TopicSpecification,
  timeoutMs: number,
): Promise<boolean> {
  const admin = native.AdminClient.createFrom(producer)
  const newTopic = { topic, num_partitions: partitions, replication_factor: replicationFactor, config: { ...config } }
  return new Promise((resolve, reject) => {
    admin.createTopic(newTopic, timeoutMs, (error) => {
      admin.disconnect()
      if (!error) resolve(true)
      else if (error.code === topicAlreadyExists) resolve(false)
      else {
        const failure = classifyErrorNumber(error.code, error.message)
        reject(createDriverError({ ...failure, outcome: 'not_sent' }, { topic }))
      }
    })
  })
}

/** Undefined while the broker that was asked has not heard of the topic. */
function partitionsOf(
  producer: NativeProducer,
  topic: string,
  timeoutMs: number,
): Promise<readonly number[] | undefined> {
  return new Promise((resolve) => {
    producer.getMetadata({ topic, timeout: timeoutMs }, (_, metadata) => {
      const partitions = metadata?.topics.find(({ name }) => name === topic)?.partitions ?? []
      resolve(partitions.length === 0 ? undefined : partitions.map(({ id }) => id))
    })
  })
}

/** Only the leader of a partition tells its offsets. */
async function unledOf(
  producer: NativeProducer,
  topic: string,
  partitions: readonly number[] | undefined,
  timeoutMs: number,
): Promise<readonly number[] | undefined> {
  if (partitions === undefined) return undefined
  const isLed = (partition: number): Promise<boolean> =>
    new Promise((resolve) => {
      producer.queryWatermarkOffsets(topic, partition, timeoutMs, (error) => resolve(!error))
    })
  const led = await Promise.all(partitions.map(isLed))
  return partitions.filter((_, index) => !led[index])
}
