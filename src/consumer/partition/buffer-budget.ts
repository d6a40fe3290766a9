/** What a message takes besides key, value and headers: objects and their storage, as measured with librdkafka’s. */
export const messageOverheadBytes = 1_024

/** A partition, by what it holds. */
export interface Holder {
  readonly held: number
}

const pollMaxMessages = 1_000
/** Before anything is known of them. */
const expectedBytes = 16_384

/**
 * What the partitions of a member hold together: messages that wait for a handler, and those that are not done. Half of it is there for
 * each partition in equal shares, so that partitions that stand still leave the others theirs. The other half is lent: each may take from it
 * as much as is left.
 */
export class BufferBudget {
  /** Bytes that are held. */
  used = 0
  /** To be told of the next bytes that are given back; once. */
  onFreed: (() => void) | undefined
  readonly #maxBytes: number
  #averageBytes = expectedBytes

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Nothing more should be read of any partition. */
  get isFull(): boolean {
    return this.used >= this.#maxBytes
  }

  /** How many messages one poll may bring: they may all be of one partition, which then has no more than it may. */
  pollSize(all: readonly Holder[]): number {
    return Math.max(1, Math.min(pollMaxMessages, Math.floor(this.limit(all) / this.#averageBytes)))
  }

  /** What a poll has brought. */
  polled(messages: number, bytes: number): void {
    if (messages > 0) this.#averageBytes += (bytes / messages - this.#averageBytes) / 4
  }

  /**
   * With how much each of these has enough: half of its share and of what is left to be lent, since the last poll before it is held back may
   * bring the other half.
   */
  limit(all: readonly Holder[]): number {
    if (this.isFull) return 0
    const share = this.#maxBytes / 2 / Math.max(1, all.length)
    let left = this.#maxBytes / 2
    for (const { held } of all) left -= Math.max(0, held - share)
    return (share + Math.max(0, left)) / 2
  }

  take(bytes: number): void {
    this.used += bytes
  }

  free(bytes: number): void {
    this.used -= bytes
    const { onFreed } = this
    if (onFreed === undefined) return
    this.onFreed = undefined
    onFreed()
  }
}
