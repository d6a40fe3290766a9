import { nameOf, type ConsumedMessage } from '../driver-consumer.ts'
import type { DriverFailure, DriverHeader } from '../driver.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import type { NativeError, NativeMessage, NativeReader } from './native-module.ts'

export interface FetchedMessagesParts {
  readonly reader: NativeReader
  /** By the name of the partition. */
  readonly isPaused: (name: string) => boolean
  /** From here on, what librdkafka signals is something new. */
  readonly onTake: () => void
  readonly onFailure: (failure: DriverFailure) => void
}

/** What librdkafka has fetched: taken in calls that do not wait, one at a time. */
export class FetchedMessages {
  readonly #parts: FetchedMessagesParts
  #consuming: Promise<void> | undefined
  /** Taken, and not to be handed over yet. */
  #held: ConsumedMessage[] = []
  /** Whose messages are not wanted when they come of the call that is under way. */
  readonly #unwanted = new Set<string>()
  /** Something was paused while a call is under way. */
  #isPausedMidway = false
  readonly #moves = new Set<Promise<void>>()
  #isClosed = false

  constructor(parts: FetchedMessagesParts) {
    this.#parts = parts
  }

  /** What there is now. */
  async take(maxMessages: number): Promise<readonly ConsumedMessage[]> {
    while (this.#consuming) await this.#consuming
    if (this.#held.length > 0) {
      const ready = this.#held.filter((message) => !this.#parts.isPaused(nameOf(message))).slice(0, maxMessages)
      if (ready.length > 0) {
        const taken = new Set(ready)
        this.#held = this.#held.filter((message) => !taken.has(message))
        return ready
      }
    }
    const taken: ConsumedMessage[] = []
    await this.#consume(maxMessages, taken)
    return taken
  }

  /** Takes what stands in front of the messages, and perhaps one of these, which the next `take` gives. */
  async look(): Promise<void> {
    if (!this.#consuming && this.#moves.size === 0) await this.#consume(1, this.#held)
  }

  /** Something is paused from now on. */
  paused(): void {
    if (this.#consuming) this.#isPausedMidway = true
  }

  /** What was taken of a partition is not handed over. */
  drop(name: string): void {
    if (this.#held.length > 0) this.#held = this.#held.filter((message) => nameOf(message) !== name)
    if (this.#consuming) this.#unwanted.add(name)
  }

  /** Drops what was taken of a partition; nothing is taken until it has been moved. `move` begins when no call is under way. */
  async during(name: string, move: () => Promise<void>): Promise<void> {
    this.drop(name)
    const moving = (async () => {
      await this.#consuming
      await move()
    })()
    this.#moves.add(moving)
    await moving.finally(() => this.#moves.delete(moving))
  }

  /** Takes nothing any more; resolves when no call is under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#consuming
  }

  async #consume(maxMessages: number, into: ConsumedMessage[]): Promise<void> {
    while (this.#moves.size > 0) await Promise.allSettled(this.#moves)
    if (this.#isClosed) return
    this.#parts.onTake()
    await (this.#consuming = this.#consumeOnce(maxMessages, into))
  }

  #consumeOnce(maxMessages: number, into: ConsumedMessage[]): Promise<void> {
    const { reader, isPaused, onFailure } = this.#parts
    const { promise, resolve } = Promise.withResolvers<void>()
    const receive = (error: NativeError | null, messages: NativeMessage[]): void => {
      this.#consuming = undefined
      if (error) onFailure(classifyErrorNumber(error.code, error.message))
      else if (this.#unwanted.size === 0 && !this.#isPausedMidway) {
        for (const message of messages) into.push(toConsumed(message))
      } else {
        for (const message of messages) {
          const name = nameOf(message)
          if (!this.#unwanted.has(name)) (isPaused(name) ? this.#held : into).push(toConsumed(message))
        }
      }
      this.#unwanted.clear()
      this.#isPausedMidway = false
      resolve()
    }
    reader.consume(0, maxMessages, false, receive)
    return promise
  }
}

/** The binding's own object, since another one for each message would cost more than all else here; only headers are changed. */
function toConsumed(message: NativeMessage): ConsumedMessage {
  const { headers } = message
  if (headers !== undefined) {
    const pairs = headers as unknown as DriverHeader[]
    for (const [index, header] of headers.entries()) {
      for (const name in header) pairs[index] = [name, header[name]!]
    }
  }
  return message as unknown as ConsumedMessage
}
