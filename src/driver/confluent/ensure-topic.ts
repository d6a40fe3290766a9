import type { TopicSpecification } from '../driver.ts'
import type { ProducerQuestions } from './producer-questions.ts'

const askAgainMs = 20

/**
 * Creates the topic unless it exists, and waits until every partition of a new one is led, at most `timeoutMs` each.
 *
 * A broker that is not ready to lead a partition refuses a request, and takes the next one that is on the wire as the beginning of
 * the sequence; what it refused comes again and is dropped as a duplicate. librdkafka calls that a success, without an offset.
 * @throws TOPIC_INVALID, BROKERS_UNREACHABLE and other failures of the request
 */
export async function ensureTopic(
  questions: ProducerQuestions,
  specification: TopicSpecification,
  timeoutMs: number,
): Promise<void> {
  if (!(await questions.createTopic(specification))) return
  const { topic } = specification
  const deadline = performance.now() + timeoutMs
  const leftMs = (): number => (questions.isClosed ? 0 : Math.max(0, Math.ceil(deadline - performance.now())))
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, askAgainMs))
  let partitions: readonly number[] = []
  for (let left = leftMs(); left > 0 && partitions.length === 0; left = leftMs()) {
    partitions = await questions.partitionsOf(topic, left).catch(() => [])
    if (partitions.length === 0) await pause()
  }
  for (const partition of partitions) {
    for (let left = leftMs(); left > 0; left = leftMs()) {
      if (await questions.isLed(topic, partition, left)) break
      await pause()
    }
  }
}
