import { MessagingError } from '../../errors/messaging-error.ts'
import { createDriverError } from '../driver-error.ts'
import type { DriverConsumerOptions, StartPosition } from '../driver-consumer.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import { createConsumerConfig } from './consumer-config.ts'
import { connectNative } from './native-connection.ts'
import type {
  NativeConsumer,
  NativeConsumerCallbacks,
  NativeError,
  NativeMetadata,
  NativeModule,
  NativePartition,
  NativePosition,
  NativePositions,
} from './native-module.ts'

/** librdkafka's logical offsets (rdkafka.h). */
const logicalOffsets = { latest: -1, earliest: -2 } as const

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

type Callback<Value> = (error: NativeError | null | undefined, value: Value) => void

/**
 * What a consumer asks the broker. Each question holds a thread of libuv until it is answered, of which a process has four
 * for everything: so one at a time.
 */
export class NativeRequests {
  readonly #consumer: NativeConsumer
  readonly #timeoutMs: number
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

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
        : await this.#ask<NativePositions>((done) => this.#consumer.offsetsForTimes(times, this.#timeoutMs, done))
    return positions.map(({ topic, partition, offset }) => {
      if (typeof offset === 'number') return { topic, partition, offset }
      if (typeof offset === 'string') return { topic, partition, offset: logicalOffsets[offset] }
      const { offset: first = -1 } = findPosition(found, times, { topic, partition })
      return { topic, partition, offset: first < 0 ? logicalOffsets.latest : first }
    })
  }

  /** In the order of the partitions. @throws MessagingError */
  async committed(partitions: readonly NativePartition[]): Promise<NativePosition[]> {
    const found = await this.#ask<NativePositions>((done) =>
      this.#consumer.committed(partitions, this.#timeoutMs, done),
    )
    return partitions.map((partition) => findPosition(found, partitions, partition))
  }

  seek(position: NativePosition): Promise<void> {
    return this.#ask<void>((done) => this.#consumer.seek(position, this.#timeoutMs, (error) => done(error, undefined)))
  }

  async watermarks({ topic, partition }: NativePartition): Promise<{ readonly low: number; readonly high: number }> {
    const { lowOffset: low, highOffset: high } = await this.#ask<{ lowOffset: number; highOffset: number }>((done) =>
      this.#consumer.queryWatermarkOffsets(topic, partition, this.#timeoutMs, done),
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

  /** Resolves when no question is under way: one that is would use the client after it is gone. Later ones are refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  async #topics(of: { readonly allTopics: true } | { readonly topic: string }): Promise<NativeMetadata['topics']> {
    const { topics } = await this.#ask<Pick<NativeMetadata, 'topics'>>((done) =>
      this.#consumer.getMetadata({ ...of, timeout: this.#timeoutMs }, done),
    )
    return topics
  }

  #ask<Value>(question: (done: Callback<Value>) => void): Promise<Value> {
    const answer = this.#last.then(
      () =>
        new Promise<Value>((resolve, reject) => {
          if (this.#isClosed) {
            reject(createDriverError({ code: 'CLOSE_TIMED_OUT', reason: 'the consumer is closed' }))
            return
          }
          question((error, value) => (error ? reject(toDriverError(error)) : resolve(value)))
        }),
    )
    this.#last = answer.catch(() => undefined)
    return answer
  }
}

export function toDriverError({ code, message }: NativeError): MessagingError {
  // What the wrapper throws itself has no number.
  return createDriverError(
    typeof code === 'number' ? classifyErrorNumber(code, message) : { code: 'DRIVER_FAILED', reason: message },
  )
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
    const reason = `${topic}/${partition}: ${position.message}`
    throw createDriverError({ code: 'DRIVER_FAILED', reason }, { topic })
  }
  return position ?? { topic, partition }
}
