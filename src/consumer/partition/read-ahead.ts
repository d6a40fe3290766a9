import type { ConsumerConfig } from '../../config/fields.ts'
import { messageOverheadBytes, type BufferBudget } from './buffer-budget.ts'

type ReadAheadConfig = Pick<ConsumerConfig, 'bufferMaxBytes' | 'maxWaitMs'>

const firstBytes = 2_097_152
const leastBytes = 65_536
/** A partition that takes longer to make room holds more than it needs. */
const slowMs = 10_000

/**
 * How far one partition is read ahead of its handler. It wants twice as much when the handler had nothing to do before messages came again,
 * and half of it when it took long to make room.
 */
export class ReadAhead {
  /** Bytes of messages that wait or are not done. */
  held = 0
  wantedBytes: number
  readonly #budget: BufferBudget
  readonly #maxBytes: number
  readonly #aside: () => number
  #heldBackSince: number | undefined
  #isResuming = false

  /** @param aside what of it is put aside for later, and so no part of what is read ahead */
  constructor(budget: BufferBudget, { bufferMaxBytes, maxWaitMs }: ReadAheadConfig, aside: () => number = () => 0) {
    this.#budget = budget
    this.#aside = aside
    this.#maxBytes = bufferMaxBytes
    // Who waits for large batches wants what is needed for them.
    this.wantedBytes = maxWaitMs > 0 ? bufferMaxBytes : Math.min(bufferMaxBytes, firstBytes)
  }

  /** The driver reads no more of it. */
  get isHeldBack(): boolean {
    return this.#heldBackSince !== undefined
  }

  /** @param limit what each partition may hold now */
  isEnough(limit: number): boolean {
    const aside = this.#aside()
    return this.held - aside >= Math.min(limit - aside, this.wantedBytes)
  }

  /** Not before half of it is done: each time costs what was fetched ahead. @param limit as above */
  isLow(limit: number): boolean {
    const aside = this.#aside()
    return limit > 0 && (this.held - aside) * 2 <= Math.min(limit - aside, this.wantedBytes)
  }

  holdBack(): void {
    this.#heldBackSince ??= performance.now()
  }

  resume(): void {
    const isSlow = performance.now() - (this.#heldBackSince ?? Infinity) > slowMs
    if (isSlow) this.wantedBytes = Math.max(Math.min(leastBytes, this.#maxBytes), this.wantedBytes / 2)
    this.#isResuming = !isSlow && this.isHeldBack
    this.#heldBackSince = undefined
  }

  /** A message has come. */
  add(bytes: number): void {
    if (this.#isResuming) {
      if (this.held === 0) this.wantedBytes = Math.min(this.#maxBytes, this.wantedBytes * 2)
      this.#isResuming = false
    }
    this.held += bytes + messageOverheadBytes
    this.#budget.take(bytes + messageOverheadBytes)
  }

  /** A message is done. */
  done(bytes: number): void {
    const freed = Math.min(this.held, bytes + messageOverheadBytes)
    this.held -= freed
    this.#budget.free(freed)
  }

  /** All of it is dropped. */
  clear(): void {
    const freed = this.held
    this.held = 0
    this.#budget.free(freed)
  }
}
