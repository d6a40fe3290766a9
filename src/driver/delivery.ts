import type { DriverFailure, Settlement } from './driver.ts'

/**
 * One message on its way. It is the only object made per message: the client links it into its list of pending messages,
 * the driver carries it as opaque, and the producer's subclass turns its settlement into a promise, a batch entry or an event.
 */
export abstract class Delivery implements Settlement {
  /** Key, value and headers together. */
  bytes = 0
  /** How many messages it stands for that are not settled: more than one only where nobody waits for any of them. */
  messages = 1
  /** Position in the order of `Client.produce` calls. */
  sequence = 0
  state: 'new' | 'waiting' | 'taken' | 'settled' = 'new'
  owner: DeliveryOwner | undefined
  previous: Delivery | undefined
  next: Delivery | undefined

  get isAwaited(): boolean {
    return true
  }

  get isUnderWay(): boolean {
    return this.state === 'taken'
  }

  settle(failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void {
    // A driver that reports late, after the client gave the message up at close, is not heard.
    if (this.state === 'settled') return
    if (this.messages > 1) {
      const bytes = this.bytesOfOne
      this.bytes -= bytes
      this.messages--
      this.owner?.releaseOne(bytes)
      this.complete(failure, partition, offset, timestamp)
      return
    }
    const wasTaken = this.state === 'taken'
    this.state = 'settled'
    // First the room, then the caller: who continues after this message finds the queue as it is.
    if (wasTaken) this.owner?.release(this)
    this.complete(failure, partition, offset, timestamp)
  }

  /** Of one of its messages: on average, since a report does not say which of them it is about. */
  protected get bytesOfOne(): number {
    return this.messages === 1 ? this.bytes : Math.floor(this.bytes / this.messages)
  }

  /** The driver has taken it, and it is on its way. Not called where a driver settles at once. Must not throw. */
  handedOver(): void {
    // For subclasses that tell somebody.
  }

  /** Called exactly once for each message. Must not throw: it runs inside the driver's callback. */
  protected abstract complete(failure: DriverFailure | null, partition: number, offset: number, timestamp: number): void
}

export interface DeliveryOwner {
  release(delivery: Delivery): void
  /** Frees the place of a message whose delivery stands for others, too. */
  releaseOne(bytes: number): void
}
