import type { BrokerStatistics } from '../driver.ts'

interface Counts {
  requests: number
  totalMs: number
  retries: number
  reconnects: number
}

/** What happened with each broker since it was last told. */
export class BrokerCounts {
  readonly #counts = new Map<number, Counts>()

  answered(nodeId: number, durationMs: number): void {
    const counts = this.#of(nodeId)
    counts.requests++
    counts.totalMs += durationMs
  }

  retried(nodeId: number): void {
    this.#of(nodeId).retries++
  }

  reconnected(nodeId: number): void {
    this.#of(nodeId).reconnects++
  }

  take(queuedFor: (nodeId: number) => number): readonly BrokerStatistics[] {
    const taken = [...this.#counts].map(([broker, { requests, totalMs, retries, reconnects }]) => ({
      broker,
      roundTripMs: requests === 0 ? undefined : totalMs / requests,
      outboundMessages: queuedFor(broker),
      retries,
      reconnects,
    }))
    for (const nodeId of this.#counts.keys()) this.#counts.set(nodeId, nothing())
    return taken
  }

  #of(nodeId: number): Counts {
    let counts = this.#counts.get(nodeId)
    if (!counts) this.#counts.set(nodeId, (counts = nothing()))
    return counts
  }
}

function nothing(): Counts {
  return { requests: 0, totalMs: 0, retries: 0, reconnects: 0 }
}
