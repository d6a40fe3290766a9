import type { DriverConsumer, TopicPartition } from '../../driver/driver-consumer.ts'
import type { PartitionWork } from '../partition/partition-work.ts'

/** Where the partitions of a member come from, and where they start. It lasts as long as the run, over several clients. */
export interface PartitionSource {
  /** Makes a client read. Resolves with what it reads from the start, without being given it by a group. @throws what the driver throws */
  begin(consumer: DriverConsumer): Promise<readonly TopicPartition[]>
  /** Puts partitions that a group has just given where they start. @throws what the driver throws */
  place(partitions: readonly TopicPartition[], consumer: DriverConsumer): Promise<void>
  /** A partition was given up, or its client is replaced. */
  ended(work: PartitionWork): void
}
