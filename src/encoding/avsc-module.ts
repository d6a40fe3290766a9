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
  skipString(): void
  writeLong(value: number): void
}

export type AvroTapClass = new (bytes: Buffer, offset: number) => AvroTap

/** avsc’s type, with the methods that its own types override. They are private to avsc, whose version is therefore exact. */
export interface AvroType extends Type {
  readonly underlyingType?: AvroType
  readonly itemsType?: AvroType
  readonly valuesType?: AvroType
  readonly types?: readonly AvroType[]
  readonly symbols?: readonly string[]
  readonly size?: number
  readonly fields?: readonly AvroField[]
  createResolver(writer: Type, options?: object): AvroResolver
  _check(value: unknown, flags?: unknown, hook?: (value: unknown, type: unknown) => void): boolean
  _read(tap: AvroTap): unknown
  _skip(tap: AvroTap): void
  _write(tap: AvroTap, value: unknown): void
  _copy(value: unknown, options?: object): unknown
  _update(resolver: WritableResolver, writer: AvroType, options?: object): void
  _deref(schema?: object, options?: object): unknown
  _createBranchConstructor(): unknown
  /** Of records. */
  _createReader(): ReadAvro
  /** Of records. */
  _createSkipper(): ReadAvro
}

export interface AvroField {
  readonly name: string
  readonly type: AvroType
}

/** @param lazy whether a resolver may leave out what follows the fields it needs */
export type ReadAvro = (tap: AvroTap, lazy?: boolean) => unknown

/** A resolver that is being made. */
export interface WritableResolver {
  _read: ReadAvro
}

export type AvroResolver = ReturnType<Type['createResolver']> & { _read(tap: AvroTap): unknown }
export type AvroTypeClass = new (schema?: unknown, options?: object) => AvroType

/** Loads avsc, which takes about 20 ms: on the first Avro manifest, not with the SDK. */
export async function loadAvsc(): Promise<AvroModule> {
  return (await import('avsc')).default
}

/** The class of the taps that avsc gives to its types; it does not export it. */
export function tapClassOf(type: AvroType): AvroTapClass {
  const probe = { _read: (tap: AvroTap) => tap.constructor }
  return type.decode.call(probe as unknown as AvroType, Buffer.alloc(0)).value as AvroTapClass
}
