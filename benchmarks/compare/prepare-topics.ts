import { startKafkaTools } from '../../test/kafka/kafka-tools.ts'
import { clientRow } from './client-table.ts'
import type { Plan } from './run-benchmark.ts'
import type { Work } from './work-table.ts'

/** So little is kept of what is sent that a long run does not fill the disk. */
const shortLived = { 'retention.bytes': 268_435_456, 'segment.bytes': 67_108_864 }
const fillTimeoutMs = 600_000

/** Makes the topic of a work when it is first asked for, and fills it where the work reads. */
export function prepareTopics(brokers: string, run: Plan['run'], onProgress: (line: string) => void): Plan['topicOf'] {
  const topics = new Map<string, Promise<string>>()
  return (work, messages) => {
    const { partitions, bytes, filledWith, values = 'text' } = work
    const topic =
      filledWith === undefined ? `benchmark-${partitions}` : `benchmark-${partitions}-${messages}-${values}-${bytes}`
    const known = topics.get(topic)
    if (known) return known
    const made = prepare(topic, work, messages)
    topics.set(topic, made)
    return made
  }

  async function prepare(topic: string, work: Work, messages: number): Promise<string> {
    const isFilled = work.filledWith !== undefined
    const config = isFilled ? {} : shortLived
    await using tools = await startKafkaTools(brokers)
    try {
      await tools.createTopic(topic, { partitions: work.partitions, config })
    } catch (error) {
      // Left by an earlier run on brokers of their own.
      if ((error as Error).message.startsWith('TopicExistsException')) return topic
      throw error
    }
    if (!isFilled) return topic
    onProgress(`filling ${topic}`)
    const { module, settings } = clientRow('postrider')
    const job = {
      work: { ...work, kind: 'fill' },
      module,
      settings,
      brokers,
      topic,
      warmUpMs: 0,
      windowMs: 0,
      messages,
    } as const
    await run(job, fillTimeoutMs)
    return topic
  }
}
