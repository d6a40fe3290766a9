import type { DriverFailure } from './driver.ts'

/** Somebody who waits for room in a client's queue. */
export interface Waiter {
  readonly bytes: number
  /** Takes the room; false when there was none after all. */
  admit(): boolean
  /** No room came in time, or the client closes. */
  expire(failure: DriverFailure): void
  /** Given up meanwhile by its caller: to be skipped. */
  abandoned(): boolean
}

/** First come, first served, each for at most `timeoutMs`. */
export class WaitingLine {
  readonly #timeoutMs: number
  readonly #onExpired: () => void
  #waiters: { waiter: Waiter; deadline: number }[] = []
  // Served entries are cut off in one go: shifting each would cost the length of the line for every acknowledgement.
  #head = 0
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #serving = false

  /** @param onExpired called after some have left because their time was over, and others perhaps went in */
  constructor(timeoutMs: number, onExpired: () => void) {
    this.#timeoutMs = timeoutMs
    this.#onExpired = onExpired
  }

  get length(): number {
    return this.#waiters.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  enter(waiter: Waiter): void {
    this.#waiters.push({ waiter, deadline: performance.now() + this.#timeoutMs })
    this.#bytes += waiter.bytes
    this.#armTimer()
  }

  /** Lets waiters in while they find room. */
  serve(): void {
    // A driver that settles inside produce() makes room, and so calls this, from within admit().
    if (this.#serving) return
    this.#serving = true
    try {
      for (let first = this.#first(); first; first = this.#first()) {
        if (!first.waiter.abandoned() && !first.waiter.admit()) break
        this.#removeFirst()
      }
    } finally {
      this.#serving = false
    }
    this.#armTimer()
  }

  expireAll(failure: DriverFailure): void {
    for (let first = this.#first(); first; first = this.#first()) this.#expireFirst(failure)
    this.#armTimer()
    this.#onExpired()
  }

  #first(): { waiter: Waiter; deadline: number } | undefined {
    return this.#waiters[this.#head]
  }

  #removeFirst(): void {
    this.#bytes -= this.#first()!.waiter.bytes
    this.#head++
    if (this.#head === this.#waiters.length || this.#head > 1024) {
      this.#waiters = this.#waiters.slice(this.#head)
      this.#head = 0
    }
  }

  #expireFirst(failure: DriverFailure): void {
    const { waiter } = this.#first()!
    this.#removeFirst()
    if (!waiter.abandoned()) waiter.expire(failure)
  }

  /** One timer, for the first in line: all wait equally long, so it is the first to run out of time. */
  #armTimer(): void {
    const first = this.#first()
    if (!first) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      return
    }
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        const now = performance.now()
        const reason = `no room came within queueTimeoutMs (${this.#timeoutMs} ms)`
        for (let late = this.#first(); late && late.deadline <= now; late = this.#first()) {
          this.#expireFirst({ code: 'QUEUE_FULL', reason })
        }
        // What waited behind a message too large for the room there is may fit.
        this.serve()
        this.#onExpired()
      },
      Math.max(1, Math.ceil(first.deadline - performance.now())),
    )
  }
}
