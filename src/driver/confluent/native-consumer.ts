import { MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import { nameOf, type CommittedPosition, type DriverConsumerOptions, type StartPosition } from '../driver-consumer.ts'
import { createConsumerConfig } from './consumer-config.ts'
import { connectNative } from './native-connection.ts'
import type {
  NativeConsumer,
  NativeConsumerCallbacks,
  NativeMetadata,
  NativeModule,
  NativePartition,
  NativePosition,
  NativePositions,
} from './native-module.ts'
import { NativeQuestions } from './native-questions.ts'

/** librdkafka's logical offsets (rdkafka.h). */
export const logicalOffsets = { latest: -1, earliest: -2 } as const

/**
 * One librdkafka consumer, connected.
 * @throws DRIVER_OPTION_INVALID, BROKERS_UNREACHABLE, AUTHENTICATION_FAILED
 */
export async function connectConsumer(
  native: NativeModule,
  options: DriverConsumerOptions,
  callbacks: NativeConsumerCallbacks,
  onFailure: DriverConsumerOptions['listener']['failed'],
): Promise<NativeConsumer> {
  let consumer: NativeConsumer
  try {
    consumer = new native.KafkaConsumer({ ...createConsumerConfig(options), ...callbacks })
  } catch (error) {
    const reason = (error as Error).message
    throw new MessagingError('DRIVER_OPTION_INVALID', { driver: 'confluent', reason })
  }
  const poll = (): void => consumer.getClient().consume(0, 1, false, () => undefined)
  await connectNative(consumer, poll, options, onFailure)
  return consumer
}

/** What a consumer asks the brokers. */
export class NativeRequests {
  readonly #consumer: NativeConsumer
  readonly #timeoutMs: number
  readonly #questions = new NativeQuestions()

  constructor(consumer: NativeConsumer, timeoutMs: number) {
    this.#consumer = consumer
    this.#timeoutMs = timeoutMs
  }

  /** With what librdkafka understands as offsets. @throws MessagingError */
  async resolve(positions: readonly StartPosition[]): Promise<NativePosition[]> {
    const times = positions.flatMap(({ topic, partition, offset }) =>
      typeof offset === 'object' ? [{ topic, partition, offset: offset.timestamp }] : [],
    )
    const found =
      times.length === 0
        ? []
        : await this.#questions.ask<NativePositions>((done) =>
            this.#consumer.offsetsForTimes(times, this.#timeoutMs, done),
          )
    return positions.map(({ topic, partition, offset }) => {
      if (typeof offset === 'number') return { topic, partition, offset }
      if (typeof offset === 'string') return { topic, partition, offset: logicalOffsets[offset] }
      const { offset: first = -1 } = findPosition(found, times, { topic, partition })
      return { topic, partition, offset: first < 0 ? logicalOffsets.latest : first }
    })
  }

  /** Of the group, in the order of the partitions. @param giveUpAt on the clock of performance.now() @throws MessagingError */
  async committed(partitions: readonly NativePartition[], giveUpAt = Infinity): Promise<CommittedPosition[]> {
    const found = await this.#questions.ask<NativePositions>((done) => {
      const leftMs = Math.max(1, Math.ceil(giveUpAt - performance.now()))
      this.#consumer.committed(partitions, Math.min(leftMs, this.#timeoutMs), done)
    })
    return partitions.map((asked) => {
      const { topic, partition, offset = -1, metadata } = findPosition(found, partitions, asked)
      return { topic, partition, offset: Math.max(-1, offset), metadata: metadata || undefined }
    })
  }

  seek(position: NativePosition): Promise<void> {
    return this.#questions.ask<void>((done) =>
      this.#consumer.seek(position, this.#timeoutMs, (error) => done(error, undefined)),
    )
  }

  async watermarks({ topic, partition }: NativePartition): Promise<{ readonly low: number; readonly high: number }> {
    const { lowOffset: low, highOffset: high } = await this.#questions.ask<{ lowOffset: number; highOffset: number }>(
      (done) => this.#consumer.queryWatermarkOffsets(topic, partition, this.#timeoutMs, done),
    )
    return { low, high }
  }

  async topicNames(): Promise<readonly string[]> {
    return (await this.#topics({ allTopics: true })).map(({ name }) => name)
  }

  /** @throws TOPIC_NOT_FOUND */
  async partitionCount(topic: string): Promise<number> {
    const topics = await this.#topics({ topic })
    const count = topics.find(({ name }) => name === topic)?.partitions.length ?? 0
    if (count > 0) return count
    throw createDriverError({ code: 'TOPIC_NOT_FOUND', reason: `${topic} does not exist` }, { topic })
  }

  /** Resolves when no question is under way; later ones are refused. */
  close(): Promise<void> {
    return this.#questions.close()
  }

  async #topics(of: { readonly allTopics: true } | { readonly topic: string }): Promise<NativeMetadata['topics']> {
    const { topics } = await this.#questions.ask<Pick<NativeMetadata, 'topics'>>((done) =>
      this.#consumer.getMetadata({ ...of, timeout: this.#timeoutMs }, done),
    )
    return topics
  }
}

/** Answers keep the order of the question; one that failed has nothing but a text. */
function findPosition(
  found: NativePositions,
  asked: readonly NativePartition[],
  { topic, partition }: NativePartition,
): NativePosition {
  const index = asked.findIndex((other) => other.topic === topic && other.partition === partition)
  const position = found[index]
  if (position instanceof Error) {
    const reason = `${nameOf({ topic, partition })}: ${position.message}`
    throw createDriverError({ code: 'DRIVER_FAILED', reason }, { topic })
  }
  return position ?? { topic, partition }
}
