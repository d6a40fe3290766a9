import { nameOf, type DriverConsumer, type StartPosition, type TopicPartition } from '../../driver/driver-consumer.ts'
import type { ConsumerPlan } from '../../factory/create-consumer-plan.ts'
import type { PartitionSource } from './partition-source.ts'
import type { PartitionWork } from '../partition/partition-work.ts'
import { startOffset } from './start-offset.ts'

/**
 * What a group gives. With `startPolicy: 'always'` the start counts once: when anything was committed after it, by whomever, the partition
 * goes on there. Until then it starts there again, since nothing else says where it was.
 */
export class GroupPartitions implements PartitionSource {
  readonly #plans: readonly ConsumerPlan[]
  readonly #startedAt = Date.now()
  /** What was committed when a partition was begun here. */
  readonly #before = new Map<string, number>()
  /** This run has committed something of them. */
  readonly #over = new Set<string>()

  constructor(plans: readonly ConsumerPlan[]) {
    this.#plans = plans
  }

  /** Where the client starts by itself: in partitions without a committed offset, and where offsets are gone. */
  static startOfClient(plans: readonly ConsumerPlan[]): 'earliest' | 'latest' {
    return plans.every(({ config }) => config.startFrom === 'latest') ? 'latest' : 'earliest'
  }

  async begin(consumer: DriverConsumer): Promise<readonly TopicPartition[]> {
    await consumer.subscribe([...new Set(this.#plans.flatMap(({ subscription }) => subscription))])
    return []
  }

  async place(
    partitions: readonly TopicPartition[],
    consumer: Pick<DriverConsumer, 'committed' | 'seek'>,
  ): Promise<void> {
    const byClient = GroupPartitions.startOfClient(this.#plans)
    const concerned = partitions.filter((partition) => {
      const config = this.#configOf(partition)
      if (config === undefined || this.#over.has(nameOf(partition))) return false
      return config.startPolicy === 'always' || config.startFrom !== byClient
    })
    if (concerned.length === 0) return
    const isFirst = this.#before.size === 0
    const committed = await consumer.committed(concerned)
    const positions = committed.flatMap(({ topic, partition, offset }) => {
      const start = this.#startOf({ topic, partition }, offset, isFirst)
      return start === undefined ? [] : [{ topic, partition, offset: start }]
    })
    await Promise.all(positions.map((position) => consumer.seek(position)))
    for (const { topic, partition, offset } of committed) this.#begun(nameOf({ topic, partition }), offset)
  }

  ended(work: Pick<PartitionWork, 'topic' | 'partition' | 'progress'>): void {
    if (work.progress.committed !== undefined) this.#over.add(nameOf(work))
  }

  #begun(key: string, committed: number): void {
    if (!this.#before.has(key)) this.#before.set(key, committed)
  }

  #startOf(of: TopicPartition, committed: number, isFirst: boolean): StartPosition['offset'] | undefined {
    const { startFrom, startPolicy } = this.#configOf(of)!
    const before = this.#before.get(nameOf(of))
    const counts = startPolicy === 'always' ? before === undefined || before === committed : committed < 0
    if (!counts) return undefined
    const offset = startOffset(startFrom, of.partition, this.#startedAt)
    // The end moves on: what came since the run began is not to be left out.
    const isLate = offset === 'latest' && startPolicy === 'always' && !isFirst
    return isLate ? { timestamp: this.#startedAt } : offset
  }

  #configOf({ topic }: TopicPartition): Pick<ConsumerPlan['config'], 'startFrom' | 'startPolicy'> | undefined {
    const plan = planOf(this.#plans, topic)
    return plan?.retryTopics.find(topic) === undefined ? plan?.config : retryStart
  }
}

/** What is in a retry topic that nothing was committed of is a message that waits, wherever the others start. */
const retryStart = { startFrom: 'earliest', startPolicy: 'if-uncommitted' } as const

/** The one whose topic it is: who names it comes before whose pattern matches. */
export function planOf<Plan extends Pick<ConsumerPlan, 'topics' | 'subscription'>>(
  plans: readonly Plan[],
  topic: string,
): Plan | undefined {
  return (
    plans.find(({ subscription }) => subscription.includes(topic)) ??
    plans.find(({ topics }) => topics.some((each) => each instanceof RegExp && each.test(topic)))
  )
}
