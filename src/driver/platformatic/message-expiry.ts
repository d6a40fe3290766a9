import type { DriverFailure, Settlement } from '../driver.ts'
import type { RecordBatch } from './record-batch.ts'
import type { TopicQueue, TopicQueues, WaitingMessage } from './topic-queues.ts'

/** Counts what is pending, and gives up on messages whose delivery timeout is over, wherever they are. */
export class MessageExpiry {
  readonly #deliveryTimeoutMs: number
  readonly #topics: ReadonlyMap<string, TopicQueues>
  #pending = 0
  #isClosed = false
  #timer: NodeJS.Timeout | undefined

  constructor(deliveryTimeoutMs: number, topics: ReadonlyMap<string, TopicQueues>) {
    this.#deliveryTimeoutMs = deliveryTimeoutMs
    this.#topics = topics
  }

  // Sockets do not hold the process, so this timer has to while something is pending, and must not longer.
  countAdded(): void {
    if (this.#pending++ > 0) return
    this.#timer ??= setTimeout(() => this.#expire(), this.#deliveryTimeoutMs)
    this.#timer.ref()
  }

  countSettled(count: number): void {
    this.#pending -= count
    if (this.#pending === 0) this.#timer?.unref()
  }

  /** Settles one message as failed. */
  fail(settlement: Settlement, failure: DriverFailure, partition: number): void {
    this.countSettled(1)
    settlement.settle(failure, partition, -1, -1)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #expire(): void {
    const createdBeforeMs = performance.now() - this.#deliveryTimeoutMs
    let oldestMs = Infinity
    for (const topic of this.#topics.values()) {
      const due = topic.waiting.filter(({ createdAtMs }) => createdAtMs <= createdBeforeMs)
      topic.waiting = topic.waiting.filter(({ createdAtMs }) => createdAtMs > createdBeforeMs)
      for (const waiting of due) this.#expireWaiting(waiting)
      oldestMs = Math.min(oldestMs, topic.waiting[0]?.createdAtMs ?? Infinity)
    }
    for (const { queues } of this.#topics.values())
      for (const queue of queues) if (queue) oldestMs = Math.min(oldestMs, this.#expireQueue(queue, createdBeforeMs))
    this.#timer = undefined
    if (this.#pending === 0 || this.#isClosed) return
    const leftMs = oldestMs === Infinity ? this.#deliveryTimeoutMs : oldestMs - createdBeforeMs
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(leftMs))
  }

  #expireWaiting({ message, settlement }: WaitingMessage): void {
    const reason = `nothing was heard of the topic ${message.topic} within deliveryTimeoutMs`
    this.fail(settlement, { code: 'DELIVERY_TIMED_OUT', reason, outcome: 'not_sent' }, message.partition)
  }

  /** When the oldest batch that is left came. */
  #expireQueue(queue: TopicQueue, createdBeforeMs: number): number {
    for (;;) {
      const batch = queue.batches.find((each) => each !== queue.first || !queue.isExpired)
      if (!batch) return Infinity
      if (batch.createdAtMs > createdBeforeMs) return batch.createdAtMs
      this.#expireBatch(queue, batch)
    }
  }

  #expireBatch(queue: TopicQueue, batch: RecordBatch): void {
    const isFirst = batch === queue.first
    const wasSent = isFirst && queue.attempts > 0
    const last = queue.trouble ? `; last: ${queue.trouble.reason}` : ''
    const failure: DriverFailure = {
      code: 'DELIVERY_TIMED_OUT',
      reason: `no acknowledgement within deliveryTimeoutMs (${this.#deliveryTimeoutMs} ms)${last}`,
      outcome: !wasSent ? 'not_sent' : queue.isOnTheWire || queue.mayBeStored ? 'unknown' : 'rejected',
    }
    // What is on the wire keeps its place: only its answer tells with which number the next one continues.
    if (isFirst && queue.isOnTheWire) queue.isExpired = true
    else if (isFirst) queue.shift({ isStored: false })
    else queue.batches.splice(queue.batches.indexOf(batch), 1)
    for (const settlement of batch.settlements) this.fail(settlement, failure, queue.partition)
  }
}
