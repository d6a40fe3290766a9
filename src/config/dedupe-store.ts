/** Remembers which messages were handled, by ids that are the application’s own wherever several share a store. */
export interface DedupeStore {
  /** Those of `ids` that were recorded and are not forgotten yet. */
  seen(ids: readonly string[]): Promise<Iterable<string>> | Iterable<string>
  /** To be known for `ttlMs` from now on. An id may be recorded again. */
  record(ids: readonly string[], ttlMs: number): Promise<void> | void
}
