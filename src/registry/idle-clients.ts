import type { ConnectedClient } from './client-pool.ts'
import type { ProducerEntry } from './producer-entry.ts'

export interface IdleClientsParts {
  readonly connected: () => readonly ConnectedClient[]
  readonly entries: Iterable<ProducerEntry>
  /** Whether a client is needed though nothing of it is under way. */
  readonly isReserved: (connected: ConnectedClient) => boolean
  /** False for one that is on its way already. */
  readonly letGo: (connected: ConnectedClient) => boolean
}

/** Lets go of clients that have nothing to do. */
export class IdleClients {
  readonly #parts: IdleClientsParts
  /** How many sends a client had seen, and since when no more came. */
  readonly #seen = new WeakMap<ConnectedClient, { readonly sends: number; readonly since: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: IdleClientsParts) {
    this.#parts = parts
  }

  /** Looks from now on for clients without work for `idleMs`; 0: never. Keeps no process alive. */
  watch(idleMs: number): void {
    if (idleMs === 0 || this.#timer) return
    this.#timer = setInterval(() => this.letGo(idleMs), Math.max(1, Math.floor(idleMs / 4)))
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Lets go of those that have had nothing to do for `idleMs`; returns how many. */
  letGo(idleMs = 0): number {
    const idle = this.#parts
      .connected()
      .filter((client) => !this.#isBusy(client) && this.#idleSince(client) <= performance.now() - idleMs)
    return idle.filter((client) => this.#parts.letGo(client)).length
  }

  #isBusy(connected: ConnectedClient): boolean {
    const { client } = connected
    if (client.pending > 0 || this.#parts.isReserved(connected)) return true
    // A producer that is being built may be about to use any of them.
    return [...this.#parts.entries].some(
      ({ producer, building }) => building !== undefined || (producer?.uses(client) && producer.isHandingOver),
    )
  }

  #idleSince(connected: ConnectedClient): number {
    let sends = 0
    for (const { producer } of this.#parts.entries) {
      if (producer?.uses(connected.client)) sends += producer.ledger.started
    }
    const seen = this.#seen.get(connected)
    if (seen?.sends === sends) return seen.since
    const since = performance.now()
    this.#seen.set(connected, { sends, since })
    return since
  }
}
