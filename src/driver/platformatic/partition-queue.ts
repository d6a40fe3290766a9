import type { DriverFailure, DriverMessage, Settlement } from '../driver.ts'
import { RecordBatch, type ProducerIdentity } from './record-batch.ts'

/**
 * The batches of one partition, oldest first. Only the first is ever on the wire: whatever happens to it, the order stays,
 * and whether the broker counted it is known before the next one needs a number.
 */
export class PartitionQueue<Topic = unknown> {
  readonly topic: Topic
  readonly partition: number
  identity: ProducerIdentity | undefined
  /** The number of the first message of the next batch that is stored. */
  sequence = 0
  /** On the wire, or waiting for a leader, a connection or its next try. */
  isBusy = false
  isRetrying = false
  readonly batches: RecordBatch[] = []

  // About the first batch.
  isOnTheWire = false
  isExpired = false
  attempts = 0
  /** An attempt ended without a word about what became of it. */
  mayBeStored = false
  trouble: DriverFailure | undefined

  constructor(topic: Topic, partition: number, identity: ProducerIdentity | undefined) {
    this.topic = topic
    this.partition = partition
    this.identity = identity
  }

  get first(): RecordBatch | undefined {
    return this.batches[0]
  }

  /** A batch takes messages for `openMs`, so that all in it are due at nearly the same time. */
  append(message: DriverMessage, settlement: Settlement, nowMs: number, openMs: number, maxBytes: number): void {
    const timestamp = message.timestamp === 0 ? Date.now() : message.timestamp
    const last = this.batches.at(-1)
    const isOpen = last !== undefined && !last.isSealed && nowMs - last.createdAtMs <= openMs
    if (isOpen && last.append(message, timestamp, settlement, maxBytes)) return
    const next = new RecordBatch(nowMs)
    next.append(message, timestamp, settlement, maxBytes)
    this.batches.push(next)
  }

  /** The first batch is done with, stored or not: `replacements` take its place. */
  shift({ isStored }: { isStored: boolean }, replacements: readonly RecordBatch[] = []): RecordBatch {
    const [batch] = this.batches.splice(0, 1, ...replacements)
    if (isStored) this.sequence = (this.sequence + batch!.count) % 2 ** 31
    // What may be stored or not leaves a hole in the numbers or none: only a new identity starts anew.
    else if (this.mayBeStored) this.identity = undefined
    this.isOnTheWire = this.isExpired = this.mayBeStored = false
    this.attempts = 0
    this.trouble = undefined
    return batch!
  }

  identify(identity: ProducerIdentity): void {
    this.identity = identity
    this.sequence = 0
  }
}
