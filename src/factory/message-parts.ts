import { describeType } from '../encoding/codec.ts'
import type { DriverHeader } from '../driver/driver.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { HeaderValue, MessageHeaders, MessageKey } from './producer-manifest.ts'

/** @throws KEY_INVALID */
export function encodeKey(key: MessageKey, manifest: string): Buffer | null {
  if (key === undefined || key === null) return null
  if (typeof key === 'string') return Buffer.from(key)
  if (key instanceof Uint8Array) return toBuffer(key)
  if (typeof key === 'bigint' || (typeof key === 'number' && Number.isFinite(key))) return Buffer.from(String(key))
  throw new MessagingError(
    'KEY_INVALID',
    { manifest, actual: typeof key === 'number' ? String(key) : describeType(key) },
    { manifest },
  )
}

/**
 * Headers in order, values as bytes; a list of values becomes one header each.
 * The drivers would take null or numbers apart in their own ways, one of them after the message is already queued.
 * @throws HEADER_INVALID
 */
export function encodeHeaders(
  manifest: string,
  ...sources: readonly (MessageHeaders | undefined)[]
): readonly DriverHeader[] | undefined {
  let headers: DriverHeader[] | undefined
  for (const source of sources) {
    if (source === undefined) continue
    if (typeof source !== 'object' || source === null) throw invalidHeader(manifest, '(all)', source)
    headers ??= []
    if (Array.isArray(source)) {
      for (const pair of source as readonly (readonly [string, HeaderValue])[]) {
        if (!Array.isArray(pair)) throw invalidHeader(manifest, '(pair)', pair)
        headers.push(encodeHeader(manifest, pair[0], pair[1]))
      }
      continue
    }
    // A Map or a promise has no entries of its own: its headers would be lost without a word.
    if (Symbol.iterator in source || source instanceof Promise) throw invalidHeader(manifest, '(all)', source)
    for (const [name, value] of Object.entries(source as Readonly<Record<string, unknown>>)) {
      for (const single of Array.isArray(value) ? value : [value]) headers.push(encodeHeader(manifest, name, single))
    }
  }
  return headers
}

export function headerBytes(headers: readonly DriverHeader[]): number {
  let bytes = 0
  for (const [name, value] of headers) bytes += Buffer.byteLength(name) + value.length
  return bytes
}

function encodeHeader(manifest: string, name: unknown, value: unknown): DriverHeader {
  if (typeof name !== 'string' || name === '')
    throw invalidHeader(manifest, '(name)', name === '' ? 'an empty name' : name)
  if (typeof value === 'string') return [name, Buffer.from(value)]
  if (value instanceof Uint8Array) return [name, toBuffer(value)]
  throw invalidHeader(manifest, JSON.stringify(name), value)
}

function invalidHeader(manifest: string, header: string, value: unknown): MessagingError {
  const actual = value === 'an empty name' ? value : describeType(value)
  return new MessagingError('HEADER_INVALID', { manifest, header, actual }, { manifest })
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
