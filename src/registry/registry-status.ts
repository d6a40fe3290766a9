import type { ErrorCode } from '../errors/codes.ts'
import type { ConnectedClient } from './client-pool.ts'
import type { ProducerEntry } from './producer-entry.ts'

export type RegistryState = 'open' | 'closing' | 'closed'

export interface ProducerStatus {
  readonly manifest: string
  /** The settings of `registry.with`, e.g. `acks=1`; undefined for the manifest’s own. */
  readonly variant: string | undefined
  readonly state: 'declared' | 'building' | 'ready'
  readonly topic: string | undefined
  readonly codec: string | undefined
  readonly started: number
  readonly acknowledged: number
  readonly failed: number
  /** Started and not settled, or waiting for the producer to be built. */
  readonly pending: number
  readonly lastError: { readonly code: ErrorCode; readonly message: string } | undefined
}

export interface ClientStatus {
  readonly driver: string
  readonly manifests: readonly string[]
  readonly pending: number
  readonly pendingBytes: number
}

export interface RegistryStatus {
  readonly state: RegistryState
  readonly pending: number
  readonly producers: readonly ProducerStatus[]
  readonly clients: readonly ClientStatus[]
  /** Names in `producers` of the configuration that no manifest sent so far has: perhaps not yet, perhaps misspelt. */
  readonly unusedOverrides: readonly string[]
}

export function describeRegistry(
  state: RegistryState,
  entries: Iterable<ProducerEntry>,
  connected: readonly ConnectedClient[],
  overridden: ReadonlySet<string>,
): RegistryStatus {
  const all = [...entries]
  const producers = all.map(describeProducer)
  const clients = connected.map(({ driverName, client }) => ({
    driver: driverName,
    manifests: all.filter(({ producer }) => producer?.uses(client)).map(({ name }) => name),
    pending: client.pending,
    pendingBytes: client.pendingBytes,
  }))
  const unusedOverrides = [...overridden].filter((name) => !all.some((entry) => entry.name === name))
  return {
    state,
    pending: producers.reduce((sum, { pending }) => sum + pending, 0),
    producers,
    clients,
    unusedOverrides,
  }
}

function describeProducer({ name, variant, producer, building, waiting, lastError }: ProducerEntry): ProducerStatus {
  const { started = 0, acknowledged = 0, failed = 0 } = producer?.ledger ?? {}
  const error = producer?.ledger.lastError ?? lastError
  return {
    manifest: name,
    variant,
    state: producer ? 'ready' : building ? 'building' : 'declared',
    topic: producer?.topic,
    codec: producer?.codec.name,
    started,
    acknowledged,
    failed,
    pending: started - acknowledged - failed + waiting,
    lastError: error && { code: error.code, message: error.message },
  }
}
