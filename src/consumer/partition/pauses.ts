import { MessagingError } from '../../errors/messaging-error.ts'
import { longestTimerMs } from '../../timing/within-time.ts'

/**
 * `delay`: the next message is not due yet. `retry`: as many messages as may wait for a later attempt. With `dead-letter` it shows also
 * what single messages wait for.
 */
export type PauseOwner = 'handler' | 'operator' | 'breaker' | 'delay' | 'retry'

export interface Pause {
  readonly owner: PauseOwner | 'dead-letter' | 'throttle'
  readonly reason: string
  /** Milliseconds since 1970, as is `until`. */
  readonly since: number
  /** Undefined: until its owner ends it. */
  readonly until: number | undefined
}

export interface PauseListener {
  paused(pause: Pause): void
  resumed(pause: Pause, durationMs: number): void
}

/** Why a partition, or a whole consumer, is held back. Of one owner there is one pause; a later one takes its place. */
export class Pauses {
  readonly #listener: PauseListener
  readonly #pauses = new Map<PauseOwner, { readonly pause: Pause; readonly timer: NodeJS.Timeout | undefined }>()

  constructor(listener: PauseListener) {
    this.#listener = listener
  }

  get isPaused(): boolean {
    return this.#pauses.size > 0
  }

  get list(): readonly Pause[] {
    return Array.from(this.#pauses.values(), ({ pause }) => pause)
  }

  /** @throws INPUT_INVALID for a time that is none */
  add(owner: PauseOwner, reason: string, durationMs?: number): void {
    if (durationMs !== undefined && !(typeof durationMs === 'number' && durationMs >= 0)) {
      throw new MessagingError('INPUT_INVALID', { source: 'pause()', reason: 'the time must be a number of ms from 0' })
    }
    const known = this.#pauses.get(owner)
    clearTimeout(known?.timer)
    const lasts = durationMs === undefined ? undefined : Math.min(durationMs, longestTimerMs)
    const until = lasts === undefined ? undefined : Date.now() + lasts
    const pause = { owner, reason, since: known?.pause.since ?? Date.now(), until }
    const timer = lasts === undefined ? undefined : setTimeout(() => this.remove(owner), lasts)
    this.#pauses.set(owner, { pause, timer })
    if (known === undefined) this.#listener.paused(pause)
  }

  remove(owner: PauseOwner): void {
    const known = this.#pauses.get(owner)
    if (known === undefined) return
    clearTimeout(known.timer)
    this.#pauses.delete(owner)
    this.#listener.resumed(known.pause, Date.now() - known.pause.since)
  }

  clear(): void {
    // Not those that begin while it is told.
    const owners = [...this.#pauses.keys()]
    for (const owner of owners) this.remove(owner)
  }
}
