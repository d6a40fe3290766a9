import { longestTimerMs } from '../../timing/within-time.ts'
import type { IncomingMessage } from '../handling/incoming-message.ts'
import type { Pause } from './pauses.ts'

interface Lane {
  /** The first one waits for its attempt, the others for the first one. */
  readonly messages: IncomingMessage[]
  readonly since: number
  readonly dueAt: number
}

/** Failed messages of one partition that wait for a later attempt, each with the later messages of its key behind it. */
export class ParkedKeys {
  readonly #lanes = new Map<string | symbol, Lane>()
  readonly #onDue: () => void
  #messages = 0
  #bytes = 0
  #nextDueAt = Infinity
  #timer: NodeJS.Timeout | undefined

  /** @param onDue told when there is something to take */
  constructor(onDue: () => void) {
    this.#onDue = onDue
  }

  get length(): number {
    return this.#messages
  }

  /** Keys, values and headers of what waits. */
  get bytes(): number {
    return this.#bytes
  }

  get isDue(): boolean {
    return this.#nextDueAt <= Date.now()
  }

  /** Of what waits. */
  get oldestTimestamp(): number | undefined {
    let oldest: number | undefined
    for (const { messages } of this.#lanes.values()) {
      const { timestamp } = messages[0]!
      if (oldest === undefined || timestamp < oldest) oldest = timestamp
    }
    return oldest
  }

  /** What waits, as one pause: until the first attempt. */
  get pause(): Pause | undefined {
    if (this.#messages === 0) return undefined
    let since = Infinity
    for (const lane of this.#lanes.values()) since = Math.min(since, lane.since)
    const reason = `${this.#messages} messages of ${this.#lanes.size} keys wait for a later attempt`
    return { owner: 'retry', reason, since, until: this.#nextDueAt }
  }

  /** Until its attempt is due, later messages of its key `follow` it. One without key has none behind it. */
  park(message: IncomingMessage, waitMs: number): void {
    const since = Date.now()
    const dueAt = since + waitMs
    this.#lanes.set(keyOf(message) ?? Symbol('no key'), { messages: [message], since, dueAt })
    this.#count(message, 1)
    if (dueAt >= this.#nextDueAt) return
    this.#nextDueAt = dueAt
    this.#watch()
  }

  /** Puts a message behind the one of its key that waits, if there is one. */
  follow(message: IncomingMessage): boolean {
    if (this.#lanes.size === 0) return false
    const key = keyOf(message)
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (lane === undefined) return false
    lane.messages.push(message)
    this.#count(message, 1)
    return true
  }

  /** The messages of keys whose attempt is due, in order within each key; they wait no longer. */
  takeDue(): IncomingMessage[] {
    const now = Date.now()
    return this.#take(({ dueAt }) => dueAt <= now)
  }

  takeAll(): IncomingMessage[] {
    return this.#take(() => true)
  }

  #take(isWanted: (lane: Lane) => boolean): IncomingMessage[] {
    const taken: IncomingMessage[] = []
    this.#nextDueAt = Infinity
    for (const [key, lane] of this.#lanes) {
      if (!isWanted(lane)) {
        this.#nextDueAt = Math.min(this.#nextDueAt, lane.dueAt)
        continue
      }
      this.#lanes.delete(key)
      for (const message of lane.messages) {
        this.#count(message, -1)
        taken.push(message)
      }
    }
    this.#watch()
    return taken
  }

  #count(message: IncomingMessage, by: 1 | -1): void {
    this.#messages += by
    this.#bytes += by * message.bytes
  }

  #watch(): void {
    clearTimeout(this.#timer)
    if (this.#nextDueAt === Infinity) return
    // Timers are up to a millisecond early.
    const waitMs = Math.max(0, this.#nextDueAt - Date.now()) + 1
    this.#timer = setTimeout(
      () => {
        // What is not taken then, since the partition is held back, is asked for when that is over.
        if (this.isDue) this.#onDue()
        else this.#watch()
      },
      Math.min(waitMs, longestTimerMs),
    )
  }
}

function keyOf({ key }: IncomingMessage): string | undefined {
  return key?.toString('latin1')
}
