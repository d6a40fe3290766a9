/** Decoders of writer schemas, by schema id. */
export interface DecoderCache<Decode> {
  /** The decoder of `id`; a promise only while it is being made. Failures are thrown or rejected with. */
  get(id: number): Decode | Promise<Decode>
}

// A topic has a handful of writer schemas. The bounds only keep a stream of ever new ids from filling the memory.
const maxDecoders = 1000
const maxFailures = 100

/**
 * Keeps what `make` gives, and makes it once for all who wait.
 * `fetch` failures (an id unknown, a schema registry that is down) are not kept: the next message asks again.
 * `make` failures are, since the schema of an id never changes; the oldest are forgotten beyond a bound.
 */
export function createDecoderCache<Decode extends object>(
  fetch: (id: number) => Promise<string>,
  make: (schema: string) => Decode,
): DecoderCache<Decode> & { set(id: number, decode: Decode): void } {
  const decoders = new Map<number, Decode>()
  const failures = new Map<number, unknown>()
  const pending = new Map<number, Promise<Decode>>()

  function load(id: number): Promise<Decode> {
    const loading = fetch(id)
      .then((schema) => {
        try {
          const decode = make(schema)
          keep(decoders, id, decode, maxDecoders)
          return decode
        } catch (error) {
          keep(failures, id, error, maxFailures)
          throw error
        }
      })
      .finally(() => pending.delete(id))
    pending.set(id, loading)
    return loading
  }

  return {
    get(id) {
      const known = decoders.get(id)
      if (known !== undefined) return known
      if (failures.has(id)) throw failures.get(id)
      return pending.get(id) ?? load(id)
    },
    set: (id, decode) => keep(decoders, id, decode, maxDecoders),
  }
}

function keep<Value>(map: Map<number, Value>, id: number, value: Value, limit: number): void {
  map.set(id, value)
  if (map.size <= limit) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
