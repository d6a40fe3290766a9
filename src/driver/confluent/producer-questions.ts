import type { TopicSpecification } from '../driver.ts'
import type { NativeAdmin, NativeMetadata, NativeModule, NativeProducer } from './native-module.ts'
import { NativeQuestions } from './native-questions.ts'
import { toDriverError } from './to-driver-error.ts'

const topicAlreadyExists = 36
const hurryWithinMs = 1000

/** What a connected producer asks the brokers. */
export class ProducerQuestions {
  readonly #producer: NativeProducer
  readonly #admin: NativeAdmin
  readonly #timeoutMs: number
  readonly #questions = new NativeQuestions()

  /** Made before anything is asked of the producer. @param timeoutMs of each question */
  constructor(native: NativeModule, producer: NativeProducer, timeoutMs: number) {
    this.#producer = producer
    this.#timeoutMs = timeoutMs
    // It copies the producer's lock as it is at this moment: with a question under way it would wait for ever for its end.
    this.#admin = native.AdminClient.createFrom(producer)
  }

  get isClosed(): boolean {
    return this.#questions.isClosed
  }

  /**
   * librdkafka looks for a broker to ask for the id of an idempotent producer whenever it hears of the cluster, else every half a
   * second. A connection that is made fast heard of it before it was up; nothing would be sent for half a second. Hence this
   * second question, whose answer nobody waits for.
   */
  hurryProducerId(): void {
    const asked = this.#questions.ask<unknown>((done) => this.#producer.getMetadata({ timeout: hurryWithinMs }, done))
    asked.catch(() => undefined)
  }

  /** None where the broker that was asked has not heard of the topic. @throws MessagingError */
  async partitionsOf(topic: string, timeoutMs = this.#timeoutMs): Promise<readonly number[]> {
    const { topics } = await this.#questions.ask<NativeMetadata>(
      (done) => this.#producer.getMetadata({ topic, timeout: timeoutMs }, done),
      (error) => toDriverError(error, { topic }),
    )
    return topics.find(({ name }) => name === topic)?.partitions.map(({ id }) => id) ?? []
  }

  /** Only the leader of a partition tells its offsets. */
  isLed(topic: string, partition: number, timeoutMs: number): Promise<boolean> {
    return this.#questions
      .ask<unknown>((done) => this.#producer.queryWatermarkOffsets(topic, partition, timeoutMs, done))
      .then(
        () => true,
        () => false,
      )
  }

  /** False where it was there. @throws MessagingError */
  createTopic({ topic, partitions, replicationFactor, config }: TopicSpecification): Promise<boolean> {
    const newTopic = { topic, num_partitions: partitions, replication_factor: replicationFactor, config: { ...config } }
    return this.#questions.ask<boolean>(
      (done) =>
        this.#admin.createTopic(newTopic, this.#timeoutMs, (error) => {
          if (error?.code === topicAlreadyExists) done(null, false)
          else done(error, true)
        }),
      (error) => toDriverError(error, { topic, outcome: 'not_sent' }),
    )
  }

  /** Resolves when no question is under way; later ones are refused. */
  close(): Promise<void> {
    return this.#questions.close()
  }
}
