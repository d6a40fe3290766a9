import { Delivery } from '../../src/driver/delivery.ts'
import type { Driver, DriverFailure, DriverMessage, Settlement } from '../../src/driver/driver.ts'

/** A driver that settles what it took when it is told to. */
export class FakeDriver implements Driver {
  readonly capabilities
  /** Everything ever taken, in order. */
  readonly taken: { readonly message: DriverMessage; readonly settlement: Settlement }[] = []
  readonly flushes: number[] = []
  closes = 0
  /** Refuses everything, as a driver whose own queue is full. */
  full = false
  /** Settles inside `produce`, as a driver that knows the verdict at once. */
  settlesAtOnce = false
  /** Called by `produce` before anything else. */
  onProduce: ((message: DriverMessage) => void) | undefined
  #settled = 0

  constructor({ copiesValue = false } = {}) {
    this.capabilities = { copiesValue, idempotence: true, workerThreads: true, durable: false }
  }

  produce(message: DriverMessage, settlement: Settlement): boolean {
    this.onProduce?.(message)
    if (this.full) return false
    this.taken.push({ message, settlement })
    if (this.settlesAtOnce) {
      this.#settled = this.taken.length
      settlement.settle(null, 0, this.taken.length, -1)
    }
    return true
  }

  flush(timeoutMs: number): Promise<void> {
    this.flushes.push(timeoutMs)
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.closes++
    return Promise.resolve()
  }

  /** Taken and not settled yet. */
  get unsettled(): number {
    return this.taken.length - this.#settled
  }

  /** Settles the oldest `count` messages; false when there are none. */
  settle(count = 1, failure: DriverFailure | null = null): boolean {
    const due = this.taken.slice(this.#settled, this.#settled + count)
    this.#settled += due.length
    for (const [index, { settlement }] of due.entries()) settlement.settle(failure, 0, this.#settled + index, -1)
    return due.length > 0
  }

  /** The values taken so far, as text. */
  get values(): readonly string[] {
    return this.taken.map(({ message }) => String(message.value))
  }
}

/** A delivery that only remembers how it ended. */
export class RecordedDelivery extends Delivery {
  readonly verdicts: (DriverFailure | 'acknowledged')[] = []
  onComplete: (() => void) | undefined

  protected complete(failure: DriverFailure | null): void {
    this.verdicts.push(failure ?? 'acknowledged')
    this.onComplete?.()
  }

  /** What a caller's signal does to a message that still waits for room. */
  abandon(): void {
    if (this.state === 'waiting') this.state = 'settled'
  }
}

export function createMessage(value: string, key: string | null = null): DriverMessage {
  return {
    topic: 'orders',
    value: Buffer.from(value),
    key: key === null ? null : Buffer.from(key),
    headers: undefined,
    partition: -1,
    timestamp: 0,
  }
}
