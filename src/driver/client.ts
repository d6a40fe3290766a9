import { MessagingError } from '../errors/messaging-error.ts'
import { withinTime } from '../timing/within-time.ts'
import type { Delivery, DeliveryOwner } from './delivery.ts'
import type { ClientProfile, Driver, DriverCapabilities, DriverFailure, DriverMessage } from './driver.ts'
import { WaitingLine } from './waiting-line.ts'

export type ClientLimits = Pick<ClientProfile, 'queueMaxMessages' | 'queueMaxBytes' | 'queueTimeoutMs'>

const askAgainMs = 1

/**
 * A driver with what every driver needs and none should write again: a bound on what is pending, a line that waits for room,
 * flush by position, and a close after which every message is settled. Producers of one profile share one client.
 */
export class Client implements DeliveryOwner {
  readonly capabilities: DriverCapabilities
  readonly #driver: Driver
  readonly #limits: ClientLimits
  readonly #line: WaitingLine

  // Pending messages, oldest first: an intrusive list, since a Set costs several times as much per message.
  #oldest: Delivery | undefined
  #newest: Delivery | undefined
  #pending = 0
  #pendingBytes = 0
  #sequence = 0
  #flushedUpTo = 0
  /** Those in the line who ask for room and bring no message. */
  #roomSeekers = 0

  #retry: NodeJS.Timeout | undefined
  /** In the order of their calls, so `upTo` never falls. */
  readonly #flushes: { readonly upTo: number; readonly resolve: () => void }[] = []
  #closing: Promise<number> | undefined
  /** Why it closes, if not because it is wanted. */
  #failure: DriverFailure | undefined

  constructor(driver: Driver, limits: ClientLimits) {
    this.#driver = driver
    this.#limits = limits
    this.#line = new WaitingLine(limits.queueTimeoutMs, () => this.#resolveFlushes())
    this.capabilities = driver.capabilities
  }

  /** Messages handed over or waiting for room, not settled yet. */
  get pending(): number {
    return this.#pending + this.#line.length - this.#roomSeekers
  }

  get pendingBytes(): number {
    return this.#pendingBytes + this.#line.bytes
  }

  /** Takes the message and settles `delivery` exactly once; never throws. `bytes` is the size of key, value and headers. */
  produce(message: DriverMessage, delivery: Delivery, bytes: number): void {
    delivery.bytes = bytes
    delivery.owner = this
    delivery.sequence = ++this.#sequence
    if (this.#closing) {
      const failure: DriverFailure = this.#failure ?? { code: 'CLOSE_TIMED_OUT', reason: 'the client is closed' }
      delivery.settle({ ...failure, outcome: 'not_sent' }, -1, -1, -1)
      return
    }
    if (this.#line.length === 0 && this.#hasRoom(bytes) && this.#take(message, delivery)) return
    this.#waitForRoom(message, delivery)
  }

  /**
   * Takes one more message for a delivery that is under way here, and is settled once for each of its messages.
   * False where that cannot be done at once: then the message needs a delivery of its own. `handedOver` is not called.
   */
  share(message: DriverMessage, delivery: Delivery, bytes: number): boolean {
    // Who flushes waits for nothing that comes later, and nobody overtakes those in the line.
    const isLate = this.#closing !== undefined || delivery.sequence <= this.#flushedUpTo
    if (isLate || this.#line.length > 0 || !this.#hasRoom(bytes)) return false
    delivery.messages++
    delivery.bytes += bytes
    this.#pending++
    this.#pendingBytes += bytes
    if (!this.#handOver(message, delivery)) {
      delivery.messages--
      delivery.bytes -= bytes
      this.#pending--
      this.#pendingBytes -= bytes
      return false
    }
    return true
  }

  /**
   * True at once if there is room, otherwise a promise that tells whether room came within queueTimeoutMs.
   * For callers that can hold back, such as a long sendMany.
   */
  room(): true | Promise<boolean> {
    if (this.#closing || this.#hasRoomInLine()) return true
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const leave = (hasRoom: boolean): boolean => {
      this.#roomSeekers--
      resolve(hasRoom)
      return hasRoom
    }
    this.#roomSeekers++
    this.#line.enter({
      bytes: 0,
      admit: () => this.#hasRoom(0) && leave(true),
      expire: () => void leave(false),
      abandoned: () => false,
    })
    return promise
  }

  /**
   * Resolves when everything produced before this call is settled.
   * @throws FLUSH_TIMED_OUT after `timeoutMs` (default: no bound of its own; every message has its delivery timeout)
   */
  async flush(timeoutMs?: number): Promise<void> {
    if (this.pending === 0) return
    this.#flushedUpTo = this.#sequence
    const settled = new Promise<void>((resolve) => this.#flushes.push({ upTo: this.#sequence, resolve }))
    // Only hurries the driver: the verdict comes from the messages.
    void this.#driver.flush(timeoutMs ?? 0).catch(() => undefined)
    if (timeoutMs === undefined) return settled
    if (await withinTime(settled, timeoutMs)) return
    throw new MessagingError('FLUSH_TIMED_OUT', { pending: this.pending, timeoutMs })
  }

  /**
   * Waits for what was taken, at most `timeoutMs`, fails the rest with CLOSE_TIMED_OUT, or with the failure that is the reason to close,
   * and closes the driver. Resolves with the number of messages given up. Safe to call again and at any time.
   */
  close(timeoutMs: number, failure?: DriverFailure): Promise<number> {
    this.#failure ??= failure
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  release(delivery: Delivery): void {
    this.#unlink(delivery)
    this.#useRoom()
  }

  releaseOne(bytes: number): void {
    this.#pending--
    this.#pendingBytes -= bytes
    this.#useRoom()
  }

  #useRoom(): void {
    if (this.#line.length > 0) this.#line.serve()
    if (this.#flushes.length > 0) this.#resolveFlushes()
  }

  async #close(timeoutMs: number): Promise<number> {
    await this.flush(timeoutMs).catch(() => {
      // What is left is given up below, each with its own error.
    })
    const unsettled = this.pending
    const reason = `it was not acknowledged within ${timeoutMs} ms of closing`
    const failure: DriverFailure = this.#failure ?? { code: 'CLOSE_TIMED_OUT', reason }
    this.#line.expireAll({ ...failure, outcome: 'not_sent' })
    // The driver had them: nobody knows what became of them.
    while (this.#oldest) this.#oldest.settle({ ...failure, outcome: 'unknown' }, -1, -1, -1)
    clearTimeout(this.#retry)
    await this.#driver.close()
    return unsettled
  }

  #hasRoom(bytes: number): boolean {
    if (this.#pending >= this.#limits.queueMaxMessages) return false
    // A single message over the byte limit passes an empty queue, or it would wait for ever.
    return this.#pending === 0 || this.#pendingBytes + bytes <= this.#limits.queueMaxBytes
  }

  /** Those who wait only because the driver holds them back are counted in, and keep nobody out. */
  #hasRoomInLine(): boolean {
    const { queueMaxMessages, queueMaxBytes } = this.#limits
    return this.pending < queueMaxMessages && (this.pending === 0 || this.pendingBytes <= queueMaxBytes)
  }

  #take(message: DriverMessage, delivery: Delivery): boolean {
    // Linked before the call, since a driver may settle inside produce().
    delivery.state = 'taken'
    this.#link(delivery)
    if (this.#handOver(message, delivery)) {
      if (delivery.isUnderWay) delivery.handedOver()
      return true
    }
    this.#unlink(delivery)
    delivery.state = 'waiting'
    // Not only acknowledgements make room: librdkafka frees a message's place after it has reported it, and a driver may
    // hold messages back for a while.
    this.#serveLater()
    return false
  }

  #handOver(message: DriverMessage, delivery: Delivery): boolean {
    try {
      return this.#driver.produce(message, delivery)
    } catch (error) {
      // No driver should throw here; one that does may have queued the message all the same.
      delivery.settle({ code: 'DRIVER_FAILED', reason: (error as Error).message }, -1, -1, -1)
      return true
    }
  }

  #waitForRoom(message: DriverMessage, delivery: Delivery): void {
    const { queueMaxMessages, queueMaxBytes } = this.#limits
    const lineFull = this.#line.length >= queueMaxMessages || this.#line.bytes + delivery.bytes > queueMaxBytes
    if (lineFull) {
      const reason = `${this.#pending} messages (${this.#pendingBytes} bytes) are unacknowledged and ${this.#line.length} wait for room`
      delivery.settle({ code: 'QUEUE_FULL', reason }, -1, -1, -1)
      return
    }
    delivery.state = 'waiting'
    // The value may lie in the codecs' scratch buffer, which the next send overwrites.
    const kept =
      this.capabilities.copiesValue && message.value ? { ...message, value: Buffer.from(message.value) } : message
    this.#line.enter({
      bytes: delivery.bytes,
      admit: () => this.#hasRoom(delivery.bytes) && this.#take(kept, delivery),
      expire: (failure: DriverFailure) => delivery.settle(failure, -1, -1, -1),
      abandoned: () => delivery.state === 'settled',
    })
  }

  #serveLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.#line.serve()
      this.#resolveFlushes()
    }, askAgainMs)
  }

  #link(delivery: Delivery): void {
    this.#pending++
    this.#pendingBytes += delivery.bytes
    delivery.previous = this.#newest
    if (this.#newest) this.#newest.next = delivery
    else this.#oldest = delivery
    this.#newest = delivery
  }

  #unlink(delivery: Delivery): void {
    this.#pending--
    this.#pendingBytes -= delivery.bytes
    if (delivery.previous) delivery.previous.next = delivery.next
    else this.#oldest = delivery.next
    if (delivery.next) delivery.next.previous = delivery.previous
    else this.#newest = delivery.previous
    delivery.previous = delivery.next = undefined
  }

  #resolveFlushes(): void {
    // List and line are both in the order of produce(), and the line comes after the list: the oldest pending message decides.
    // While only the line is left its first message is about to be served, so nothing is resolved yet.
    const oldest = this.#oldest?.sequence ?? (this.#line.length > 0 ? 0 : Infinity)
    while (this.#flushes.length > 0 && this.#flushes[0]!.upTo < oldest) this.#flushes.shift()!.resolve()
  }
}
