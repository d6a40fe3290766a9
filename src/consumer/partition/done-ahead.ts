import type { CommittedPosition, DriverConsumer, TopicPartition } from '../../driver/driver-consumer.ts'
import type { ConsumerPlan } from '../../factory/create-consumer-plan.ts'
import { laterAttemptsOf } from '../../factory/retry-topics.ts'

const mark = 'postrider-done:'
/** As many as fit into what brokers keep with an offset (`offset.metadata.max.bytes`, 4096 by default): a bit for each. */
const mostOffsets = 24_000

/** Offsets from `position` on that are done, as text to be committed with it; undefined where there are none. */
export function encodeDoneAhead(position: number, offsets: Iterable<number>): string | undefined {
  const bits = Buffer.alloc(mostOffsets / 8)
  let length = 0
  for (const offset of offsets) {
    const index = offset - position
    // What does not fit comes again.
    if (index < 0 || index >= mostOffsets) continue
    bits[index >> 3]! |= 1 << (index & 7)
    length = Math.max(length, (index >> 3) + 1)
  }
  return length === 0 ? undefined : `${mark}${bits.toString('base64', 0, length)}`
}

/** The reverse. Any other text says nothing. */
export function decodeDoneAhead({ offset: position, metadata }: CommittedPosition): Set<number> {
  const offsets = new Set<number>()
  if (metadata?.startsWith(mark) !== true) return offsets
  for (const [byte, bits] of Buffer.from(metadata.slice(mark.length), 'base64').entries())
    for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) offsets.add(position + byte * 8 + bit)
  return offsets
}

/** Whether messages may be done while one before them waits for long. */
export function isDoneAhead({ config }: Pick<ConsumerPlan, 'config'>): boolean {
  return config.retryOrder === 'key' && laterAttemptsOf(config).length > 0
}

/** What was committed of these partitions, for those of which it may say more than a position. @throws what the driver throws */
export async function readDoneAhead(
  consumer: Pick<DriverConsumer, 'committed'>,
  partitions: readonly TopicPartition[],
  planOf: (topic: string) => Pick<ConsumerPlan, 'config'> | undefined,
): Promise<readonly CommittedPosition[]> {
  const concerned = partitions.filter(({ topic }) => {
    const plan = planOf(topic)
    // Who starts elsewhere wants what is there.
    return plan !== undefined && isDoneAhead(plan) && plan.config.startPolicy !== 'always'
  })
  return concerned.length === 0 ? [] : consumer.committed(concerned)
}
