import type { Pause } from './pauses.ts'
import type { WorkerSlots } from './worker-slots.ts'

/**
 * The place of one partition among those that are handled. All that handle messages of it at the same time share one; while they wait for
 * something it is free for others.
 */
export class PartitionTurn {
  readonly #slots: WorkerSlots
  /** Whether nothing is to be waited for any more. */
  readonly #isOver: () => boolean
  readonly #waits = new Set<Pause>()
  #occupants = 0
  #occupying: Promise<void> | undefined
  #changed = Promise.withResolvers<void>()

  constructor(slots: WorkerSlots, isOver: () => boolean) {
    this.#slots = slots
    this.#isOver = isOver
  }

  /** What single messages wait for. */
  get waits(): Iterable<Pause> {
    return this.#waits
  }

  /** Takes part in the place; a promise while there is none. */
  occupy(): Promise<void> | undefined {
    // Who comes while the place is waited for waits for the same.
    if (this.#occupants++ === 0) {
      this.#occupying = this.#slots.acquire()
      void this.#occupying?.then(() => (this.#occupying = undefined))
    }
    return this.#occupying
  }

  /** The reverse. */
  vacate(): void {
    if (--this.#occupants === 0) this.#slots.release()
  }

  /** Those who wait look again at what they wait for. */
  changed(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** Leaves the place for as long as `isHeld`. */
  async pauseOver(isHeld: () => boolean): Promise<void> {
    this.vacate()
    while (isHeld() && !this.#isOver()) await this.#changed.promise
    await this.occupy()
  }

  /** Leaves the place for so long. */
  async wait(owner: Pause['owner'], reason: string, durationMs: number): Promise<void> {
    const pause = { owner, reason, since: Date.now(), until: Date.now() + durationMs }
    this.#waits.add(pause)
    this.vacate()
    let timer: NodeJS.Timeout | undefined
    let hasEnded = false
    const ended = new Promise<void>((resolve) => (timer = setTimeout(resolve, durationMs))).then(
      () => (hasEnded = true),
    )
    while (!hasEnded && !this.#isOver()) await Promise.race([ended, this.#changed.promise])
    clearTimeout(timer)
    this.#waits.delete(pause)
    await this.occupy()
  }
}
