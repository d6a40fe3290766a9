import type avsc from 'avsc'
import type { Type } from 'avsc'

/** An Avro schema as a JavaScript literal or as JSON text (Avro specification 1.11). */
export type AvroSchema = string | object

export type AvroModule = typeof avsc

/** What avsc calls a tap: a buffer and a position. */
export interface AvroTap {
  readonly buf: Buffer
  pos: number
  readInt(): number
  readLong(): number
  readString(): string
  writeLong(value: number): void
}

/** avsc’s type, with the methods that its own types override. They are private to avsc, whose version is therefore exact. */
export interface AvroType extends Type {
  readonly underlyingType?: AvroType
  readonly itemsType?: AvroType
  readonly valuesType?: AvroType
  readonly types?: readonly AvroType[]
  readonly symbols?: readonly string[]
  readonly size?: number
  readonly fields?: readonly { readonly name: string; readonly type: AvroType }[]
  createResolver(writer: Type, options?: object): AvroResolver
  _check(value: unknown, flags?: unknown, hook?: (value: unknown, type: unknown) => void): boolean
  _read(tap: AvroTap): unknown
  _write(tap: AvroTap, value: unknown): void
  _copy(value: unknown, options?: object): unknown
  _update(resolver: { _read: unknown }, writer: AvroType, options?: object): void
  _deref(schema?: object, options?: object): unknown
}

export type AvroResolver = ReturnType<Type['createResolver']> & { _read(tap: AvroTap): unknown }
export type AvroTypeClass = new (schema?: unknown, options?: object) => AvroType

/** Loads avsc, which takes about 20 ms: on the first Avro manifest, not with the SDK. */
export async function loadAvsc(): Promise<AvroModule> {
  return (await import('avsc')).default
}
