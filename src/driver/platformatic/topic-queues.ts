import type { ClientProfile, DriverMessage, Settlement } from '../driver.ts'
import { partitionByCrc32, partitionByMurmur2 } from '../partitioners.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { ProducerIdentity } from './record-batch.ts'

/** A message whose partition cannot be told yet. */
export interface WaitingMessage {
  readonly message: DriverMessage
  readonly settlement: Settlement
  readonly createdAtMs: number
}

export type TopicQueue = PartitionQueue<TopicQueues>

/** What is known of a topic, and its queues by partition. */
export class TopicQueues {
  readonly name: string
  /** The leading broker of each partition, -1 for none; empty until the brokers were asked. */
  leaders: readonly number[] = []
  /** By `performance.now()`. */
  refreshedAtMs = -Infinity
  /** Since when the brokers say that there is no such topic. */
  missingSinceMs: number | undefined
  refreshing: Promise<void> | undefined
  waiting: WaitingMessage[] = []
  readonly queues: TopicQueue[] = []
  readonly #partitioner: ClientProfile['partitioner']
  #sticky = -1

  constructor(name: string, partitioner: ClientProfile['partitioner']) {
    this.name = name
    this.#partitioner = partitioner
  }

  queue(partition: number, identity: ProducerIdentity | undefined): TopicQueue {
    return (this.queues[partition] ??= new PartitionQueue(this, partition, identity))
  }

  /** Messages without key go to one partition until its batch leaves, and then to another: few full batches instead of many. */
  choosePartition({ partition, key }: DriverMessage): number {
    if (partition >= 0) return partition
    if (key !== null && this.#partitioner === 'murmur2') return partitionByMurmur2(key, this.leaders.length)
    if (key !== null && key.length > 0 && this.#partitioner === 'crc32')
      return partitionByCrc32(key, this.leaders.length)
    if (this.#sticky < 0 || this.#sticky >= this.leaders.length) this.#sticky = this.#anyPartition()
    return this.#sticky
  }

  release(partition: number): void {
    if (this.#sticky === partition) this.#sticky = -1
  }

  #anyPartition(): number {
    const all = [...this.leaders.keys()]
    const led = all.filter((partition) => this.leaders[partition]! >= 0)
    const candidates = led.length > 0 ? led : all
    return candidates[Math.floor(Math.random() * candidates.length)]!
  }
}
