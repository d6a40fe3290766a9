import type { ConsumerConfig } from '../../config/fields.ts'
import type { ConsumerManifest } from '../../factory/consumer-manifest.ts'
import type { IncomingMessage } from '../handling/incoming-message.ts'

type ThrottleConfig = Pick<
  ConsumerConfig,
  'throttlePerSecond' | 'throttleBurst' | 'throttleKeyPerSecond' | 'throttleKeyBurst'
>

/** The part of an assigned partition that takes turns. */
export interface ThrottledPartition {
  readonly consumer: { readonly plan: { readonly manifest: Pick<ConsumerManifest, 'filter'> } }
  wait(owner: 'throttle', reason: string, durationMs: number): Promise<void>
}

/** Undefined where nothing is throttled. */
export function createThrottle(config: ThrottleConfig): Throttle | undefined {
  const { throttlePerSecond, throttleKeyPerSecond } = config
  return throttlePerSecond === undefined && throttleKeyPerSecond === undefined ? undefined : new Throttle(config)
}

/** So many messages per second of one consumer, and of each key; who asks first is first. */
export class Throttle {
  /** Messages that one call of the handler may have. */
  readonly maxMessages: number
  readonly #all: Rate | undefined
  readonly #ofKey: Rate | undefined
  readonly #allFullAt = { at: 0 }
  readonly #keys: KeyTimes | undefined

  constructor({ throttlePerSecond, throttleBurst, throttleKeyPerSecond, throttleKeyBurst }: ThrottleConfig) {
    this.#all = createRate('messages', throttlePerSecond, throttleBurst)
    this.#ofKey = createRate('messages of a key', throttleKeyPerSecond, throttleKeyBurst)
    this.#keys = this.#ofKey && new KeyTimes()
    this.maxMessages = this.#all?.burst ?? Infinity
  }

  /** Lets these messages be next: a promise while their turn has not come. They take no part in the work meanwhile. */
  turn(work: ThrottledPartition, messages: readonly IncomingMessage[]): Promise<void> | undefined {
    const wanted = messages.filter((message) => isWanted(work, message))
    if (wanted.length === 0) return undefined
    const now = performance.now()
    let rate = this.#all
    let waitMs = rate === undefined ? 0 : take(rate, this.#allFullAt, wanted.length, now)
    if (this.#ofKey !== undefined) {
      const counts = new Map<string, number>()
      for (const { key } of wanted) {
        const name = key?.toString('latin1')
        if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      for (const [name, count] of counts) {
        const ofKeyMs = take(this.#ofKey, this.#keys!.of(name, now), count, now)
        if (ofKeyMs > waitMs) [rate, waitMs] = [this.#ofKey, ofKeyMs]
      }
    }
    return waitMs === 0 ? undefined : work.wait('throttle', rate!.reason, Math.min(waitMs, longestMs))
  }
}

interface Rate {
  readonly reason: string
  readonly intervalMs: number
  readonly burst: number
}

/** When the whole burst is there again, on the clock of performance.now(). */
interface FullAt {
  at: number
}

/** @param burst by default what comes in a tenth of a second, since timers are not exact */
function createRate(what: string, perSecond: number | undefined, burst: number | undefined): Rate | undefined {
  if (perSecond === undefined) return undefined
  const reason = `at most ${perSecond} ${what} per second`
  return { reason, intervalMs: 1000 / perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond / 10)) }
}

/** Takes the place of so many messages behind those before (GCRA, a token bucket that needs one time only). Gives the wait. */
function take({ intervalMs, burst }: Rate, full: FullAt, count: number, now: number): number {
  const from = Math.max(now, full.at)
  full.at = from + count * intervalMs
  return Math.max(0, Math.ceil(from - now + (Math.min(count, burst) - burst) * intervalMs))
}

/** The longest that a timer can wait. */
const longestMs = 2_147_483_647
const sweepFrom = 1_000

/** Of the keys that are not at rest. */
class KeyTimes {
  readonly #times = new Map<string, FullAt>()
  #sweepAt = sweepFrom

  of(key: string, now: number): FullAt {
    let time = this.#times.get(key)
    if (time === undefined) {
      if (this.#times.size >= this.#sweepAt) this.#sweep(now)
      this.#times.set(key, (time = { at: 0 }))
    }
    return time
  }

  #sweep(now: number): void {
    for (const [key, { at }] of this.#times) if (at <= now) this.#times.delete(key)
    this.#sweepAt = Math.max(sweepFrom, this.#times.size * 2)
  }
}

/** What the filter does not want is given to nobody. */
function isWanted(work: ThrottledPartition, message: IncomingMessage): boolean {
  const { manifest } = work.consumer.plan
  try {
    return manifest.filter?.(message) ?? true
  } catch {
    return true
  }
}
