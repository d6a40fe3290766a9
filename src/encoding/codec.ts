/** Turns payloads of one manifest into bytes and back. Encoding is synchronous, so that calls keep their order. */
export interface Codec<Payload = unknown> {
  /** Shown in status, events and errors, e.g. `avro`. */
  readonly name: string
  /**
   * The bytes of `payload`, valid only until the next call of any `encode`: codecs share one scratch buffer,
   * so a driver that keeps the bytes must copy them first (see `DriverCapabilities.copiesValue`).
   * @throws PAYLOAD_INVALID with path, expected and actual type, never the value
   */
  encode(payload: Payload): Buffer
  /**
   * The payload in `bytes`; a promise only while the writer’s schema has to be fetched first.
   * @throws PAYLOAD_UNDECODABLE, SCHEMA_NOT_FOUND
   */
  decode(bytes: Buffer): Payload | Promise<Payload>
}

/** Names the type of a value for an error message, without the value itself. */
export function describeType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value !== 'object') return typeof value
  // Of the prototype: a property `constructor` of the value itself would be payload.
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor?.name
  return typeof name === 'string' && name !== 'Object' && name !== '' ? name : 'object'
}
