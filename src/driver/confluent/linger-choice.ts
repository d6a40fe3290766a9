import { nameOf, type TopicPartition } from '../driver-consumer.ts'

/** How librdkafka batches, from how many messages on that are always under way in a partition. */
export interface LingerStep {
  readonly from: number
  /** How long messages wait for a batch to fill, at most. */
  readonly lingerMs: number
  /** A batch is sent as soon as it has so many, and never has more. */
  readonly batchMessages: number
}

/**
 * An idempotent producer of librdkafka has one batch of a partition on the wire. What has waited behind it for longer than it may
 * linger makes its thread spin until the answer comes, which takes a processor away from everybody else. So where many are under
 * way they may linger for long, and go by a number that is under way at any time: fewer would wait for nothing.
 * A lone message must not linger at all, nor a few.
 */
export const lingerSteps: readonly LingerStep[] = [
  { from: 0, lingerMs: 0, batchMessages: 10_000 },
  { from: 50, lingerMs: 5, batchMessages: 44 },
  { from: 180, lingerMs: 10, batchMessages: 120 },
  { from: 500, lingerMs: 20, batchMessages: 400 },
]

/** So many readings in a row, since changing means to wait until nothing is under way. */
const readingsToClimb = 2
/** Partitions that have the rest of the messages do not count: a few messages may linger. */
const countedShare = 0.99

/** Chooses among `lingerSteps` by how many messages are always under way, and by the partitions that they go to. */
export class LingerChoice {
  step = 0
  #sum = 0
  #sumOfSquares = 0
  #count = 0
  #climbing = 0
  readonly #partitions = new Map<string, number>()
  #leastShare = 1

  /** For some of the messages, when they are reported: where they went, and how many were under way with them. */
  note(underWay: number, partition: TopicPartition): void {
    this.#sum += underWay
    this.#sumOfSquares += underWay * underWay
    this.#count++
    const name = nameOf(partition)
    this.#partitions.set(name, (this.#partitions.get(name) ?? 0) + 1)
  }

  /** Ends a reading. True if there were messages in it. */
  decide(): boolean {
    const count = this.#count
    if (count > 0) this.#leastShare = leastShare([...this.#partitions.values()], count)
    const average = count === 0 ? 0 : this.#sum / count
    // Bursts that run out deviate by as much as they are large.
    const deviation = count === 0 ? 0 : Math.sqrt(Math.max(0, this.#sumOfSquares / count - average ** 2))
    const steady = (average - deviation) * this.#leastShare
    this.#sum = this.#sumOfSquares = this.#count = 0
    this.#partitions.clear()
    const wanted = lingerSteps.findLastIndex(({ from }) => steady >= from)
    if (wanted > this.step) {
      if (++this.#climbing >= readingsToClimb) this.#move(wanted)
    } else {
      this.#climbing = 0
      // Between the two a load stays on one step.
      if (wanted < this.step && steady < lingerSteps[this.step]!.batchMessages) this.#move(wanted)
    }
    return count > 0
  }

  /** With fewer under way at that step, no batch may be full: what is not on the wire lingers. */
  enoughFor(step: number): number {
    return lingerSteps[step]!.batchMessages / this.#leastShare
  }

  #move(step: number): void {
    this.step = step
    this.#climbing = 0
  }
}

/** Of the partitions that have almost all messages, the share of the one that has fewest. */
function leastShare(counts: readonly number[], total: number): number {
  let counted = 0
  for (const count of counts.toSorted((a, b) => b - a)) {
    counted += count
    if (counted >= total * countedShare) return count / total
  }
  return 1
}
