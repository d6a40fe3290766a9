import type { ActiveConsumer } from '../active-consumer.ts'
import type { Pause } from '../partition/pauses.ts'
import type { PartitionWork } from '../partition/partition-work.ts'

/** Tells of each pause there is: one that never ends is heard of by nothing else. */
export function measurePauses(consumers: readonly ActiveConsumer[], works: readonly PartitionWork[]): void {
  for (const { ledger, plan, pauses } of consumers) {
    const topic = plan.topics.join(',')
    for (const pause of pauses.list) ledger.publish('pause.measured', () => describe(pause, topic, -1))
  }
  for (const { consumer, topic, partition, pauseList } of works) {
    for (const pause of pauseList) consumer.ledger.publish('pause.measured', () => describe(pause, topic, partition))
  }
}

function describe({ owner, reason, since }: Pause, topic: string, partition: number) {
  return { topic, partition, owner, reason, ageMs: Math.max(0, Date.now() - since) }
}
