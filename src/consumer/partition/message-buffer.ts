import type { ConsumerConfig } from '../../config/fields.ts'
import type { ConsumedMessage } from '../../driver/driver-consumer.ts'
import { consumedBytes } from '../handling/incoming-message.ts'

type Limits = Pick<ConsumerConfig, 'maxMessages' | 'maxBytes' | 'maxWaitMs'>

/** What waits for the handler in one partition, given out in batches. */
export class MessageBuffer {
  /** Nothing more comes for now, so that there is nothing to wait for. */
  isClosed = false
  readonly #limits: Limits
  readonly #maxWaitMs: number
  readonly #onReady: () => void
  #messages: ConsumedMessage[] = []
  /** Of each of them: to add up its headers takes longer than to remember the sum. */
  #sizes: number[] = []
  #head = 0
  #bytes = 0
  #oldestSince = 0
  #timer: NodeJS.Timeout | undefined

  /**
   * @param waits whether a batch that is not full waits for more
   * @param onReady told when such a wait is over
   */
  constructor(limits: Limits, waits: boolean, onReady: () => void) {
    this.#limits = limits
    this.#maxWaitMs = waits ? limits.maxWaitMs : 0
    this.#onReady = onReady
  }

  get length(): number {
    return this.#messages.length - this.#head
  }

  /** The message that comes next. */
  get first(): ConsumedMessage | undefined {
    return this.#messages[this.#head]
  }

  /** Whether there is a batch to take now. */
  get isReady(): boolean {
    if (this.length === 0) return false
    const { maxMessages, maxBytes } = this.#limits
    if (this.#maxWaitMs === 0 || this.length >= maxMessages || this.#bytes >= maxBytes || this.isClosed) return true
    const left = this.#oldestSince + this.#maxWaitMs - performance.now()
    if (left <= 0) return true
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#onReady()
    }, left)
    return false
  }

  /** Gives its size. */
  add(message: ConsumedMessage): number {
    if (this.length === 0) this.#oldestSince = performance.now()
    this.#messages.push(message)
    const bytes = consumedBytes(message)
    this.#sizes.push(bytes)
    this.#bytes += bytes
    return bytes
  }

  /**
   * The next batch: at least one message, each as `make` gives it.
   * @param mayFollow whether a message may be in it besides the first one
   */
  take<Taken>(
    make: (message: ConsumedMessage, bytes: number) => Taken,
    mayFollow: (message: ConsumedMessage) => boolean = () => true,
  ): readonly Taken[] {
    const { maxMessages, maxBytes } = this.#limits
    const taken: Taken[] = []
    let bytes = 0
    while (this.length > 0 && taken.length < maxMessages) {
      const message = this.#messages[this.#head]!
      const size = this.#sizes[this.#head]!
      if (taken.length > 0 && (bytes + size > maxBytes || !mayFollow(message))) break
      taken.push(make(message, size))
      bytes += size
      this.#head++
    }
    this.#bytes -= bytes
    this.#oldestSince = performance.now()
    // Not each time: to move the rest costs as much as it is long.
    if (this.#head * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head)
      this.#sizes = this.#sizes.slice(this.#head)
      this.#head = 0
    }
    return taken
  }

  /** In front of what waits. */
  putBack(messages: readonly ConsumedMessage[]): void {
    const sizes = messages.map(consumedBytes)
    this.#messages = [...messages, ...this.#messages.slice(this.#head)]
    this.#sizes = [...sizes, ...this.#sizes.slice(this.#head)]
    this.#head = 0
    for (const bytes of sizes) this.#bytes += bytes
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#messages = []
    this.#sizes = []
    this.#head = 0
    this.#bytes = 0
  }
}
