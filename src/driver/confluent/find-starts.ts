import { withinTime } from '../../timing/within-time.ts'
import type { DriverConsumerOptions, TopicPartition } from '../driver-consumer.ts'
import { logicalOffsets, type NativeRequests } from './native-consumer.ts'
import type { NativePosition } from './native-module.ts'
import type { OffsetCommits } from './offset-commits.ts'

/** While it asks no message of other partitions is taken. */
const askWithinMs = 500

export interface StartParts {
  readonly requests: Pick<NativeRequests, 'committed'>
  readonly commits: Pick<OffsetCommits, 'areUnderWay'>
  readonly options: Pick<DriverConsumerOptions, 'startFrom' | 'passThrough'>
}

/**
 * Where those of these partitions start that the group has no offset of. librdkafka finds out by itself, but waits for 100 ms between
 * hearing that there is none and asking where the partition begins or ends (`rd_kafka_offset_reset`); no setting changes that. What is
 * left out is left to it: partitions with an offset, and all of them where the answer is not there in time. Never rejects.
 */
export async function findStarts(
  partitions: readonly TopicPartition[],
  { requests, commits, options }: StartParts,
): Promise<readonly NativePosition[]> {
  // librdkafka asks only when they have been answered; and what it was set to otherwise is its own to do.
  if (commits.areUnderWay || options.passThrough['auto.offset.reset'] !== undefined) return []
  const answer = requests.committed(partitions, performance.now() + askWithinMs).catch(() => [])
  if (!(await withinTime(answer, askWithinMs))) return []
  return (await answer)
    .filter(({ offset }) => offset < 0)
    .map(({ topic, partition }) => ({ topic, partition, offset: logicalOffsets[options.startFrom] }))
}
