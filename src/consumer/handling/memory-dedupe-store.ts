import type { DedupeStore } from '../../config/dedupe-store.ts'
import { MessagingError } from '../../errors/messaging-error.ts'

export interface MemoryDedupeStoreOptions {
  /** Beyond that the one that was asked for longest ago is forgotten. Default: 100000. */
  readonly maxIds?: number
}

/**
 * A store in this process: it knows nothing of other processes, nor of the time before a restart.
 * @example configure({ consumer: { dedupeStore: createMemoryDedupeStore({ maxIds: 1_000_000 }) } })
 * @throws INPUT_INVALID
 */
export function createMemoryDedupeStore({ maxIds = 100_000 }: MemoryDedupeStoreOptions = {}): DedupeStore {
  if (!Number.isSafeInteger(maxIds) || maxIds < 1) {
    const reason = 'maxIds must be a whole number from 1'
    throw new MessagingError('INPUT_INVALID', { source: 'createMemoryDedupeStore()', reason })
  }
  // In the order of their last use.
  const expiries = new Map<string, number>()
  const touch = (id: string, expiresAt: number): void => {
    expiries.delete(id)
    expiries.set(id, expiresAt)
  }
  return {
    seen: (ids) => {
      const now = performance.now()
      return ids.filter((id) => {
        const expiresAt = expiries.get(id)
        if (expiresAt === undefined) return false
        if (expiresAt > now) touch(id, expiresAt)
        else expiries.delete(id)
        return expiresAt > now
      })
    },
    record: (ids, ttlMs) => {
      const expiresAt = performance.now() + ttlMs
      for (const id of ids) touch(id, expiresAt)
      for (const id of expiries.keys()) {
        if (expiries.size <= maxIds) break
        expiries.delete(id)
      }
    },
  }
}
