import type { DriverFailure, Settlement } from './driver.ts'

/**
 * One message on its way. It is the only object made per message: the client links it into its list of pending messages,
 * the driver carries it as opaque, and the producer's subclass turns its settlement into a promise, a batch entry or an event.
 */
export abstract class Delivery implements Settlement {
  /** Key, value and headers together. */
  bytes = 0
  /** Position in the order of `Client.produce` calls. */
  sequence = 0
  state: 'new' | 'waiting' | 'taken' | 'settled' = 'new'
  owner: DeliveryOwner | undefined
  previous: Delivery | undefined
  next: Delivery | undefined

  get isUnderWay(): boolean {
    return this.state === 'taken'
  }

  settle(failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void {
    // A driver that reports late, after the client gave the message up at close, is not heard.
    if (this.state === 'settled') return
    const wasTaken = this.state === 'taken'
    this.state = 'settled'
    // First the room, then the caller: who continues after this message finds the queue as it is.
    if (wasTaken) this.owner?.release(this)
    this.complete(failure, partition, offset, timestamp)
  }

  /** The driver has taken it, and it is on its way. Not called where a driver settles at once. Must not throw. */
  handedOver(): void {
    // For subclasses that tell somebody.
  }

  /** Called exactly once. Must not throw: it runs inside the driver's callback. */
  protected abstract complete(failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void
}

export interface DeliveryOwner {
  release(delivery: Delivery): void
}
