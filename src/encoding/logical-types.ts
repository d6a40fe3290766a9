/* oxlint-disable no-underscore-dangle -- the methods of avsc’s types that are overridden here are named so */
import type { AvroModule, AvroTap, AvroType, AvroTypeClass, WritableResolver } from './avsc-module.ts'
import type { ExactNumbers } from './exact-long.ts'
import { bytesToDecimal, decimalToBytes } from './decimal.ts'
import { bytesToUuid, dateToDays, daysToDate, isUuid, localToUnits, unitsToLocal, uuidToBytes } from './calendar.ts'

type Kind = 'string' | 'number' | 'bigint' | 'object'

interface Conversion {
  /** The Avro type it may annotate; elsewhere the annotation is ignored, as the specification asks. */
  readonly fits: (schema: Readonly<Record<string, unknown>>) => boolean
  /** Kind of its JavaScript value, to tell the branches of a union apart. */
  readonly kind: Kind
  /** Shape of the number underneath, where it is a long. */
  readonly long?: 'number' | 'bigint'
  /** What a value must look like, for errors. */
  readonly expected: string
  /** The value of the base type, undefined when `value` is not of the shape. */
  readonly toBase: (value: never, schema: Readonly<Record<string, unknown>>) => unknown
  readonly fromBase: (value: never, schema: Readonly<Record<string, unknown>>) => unknown
}

const isInt = ({ type }: Readonly<Record<string, unknown>>): boolean => type === 'int'
const isLong = ({ type }: Readonly<Record<string, unknown>>): boolean => type === 'long'

const numberBelow = (limit: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit ? value : undefined

const epoch = (unit: string): Conversion => ({
  fits: isLong,
  kind: 'bigint',
  long: 'bigint',
  expected: `bigint (${unit} since 1970)`,
  toBase: (value) => value,
  fromBase: (value) => value,
})

const local = (digits: number): Conversion => ({
  fits: isLong,
  kind: 'string',
  long: 'bigint',
  expected: `string (YYYY-MM-DDTHH:mm:ss.${'s'.repeat(digits)})`,
  toBase: (value) => localToUnits(value, digits),
  fromBase: (value) => unitsToLocal(value, digits),
})

const dayMs = 86_400_000

/** Logical types of the Avro specification 1.12, section “Logical Types”, and their JavaScript shapes. */
export const logicalTypes: Readonly<Record<string, Conversion>> = {
  decimal: {
    fits: ({ type, precision, scale = 0, size }) =>
      (type === 'bytes' || type === 'fixed') &&
      Number.isInteger(precision) &&
      (precision as number) > 0 &&
      Number.isInteger(scale) &&
      (scale as number) >= 0 &&
      (scale as number) <= (precision as number) &&
      (type === 'bytes' || (precision as number) <= Math.floor(Math.log10(2) * (8 * (size as number) - 1))),
    kind: 'string',
    expected: 'string (a decimal number within precision and scale)',
    toBase: (value, { precision, scale = 0, size }) =>
      decimalToBytes(value, precision as number, scale as number, size as number | undefined),
    fromBase: (value, { precision, scale = 0 }) => bytesToDecimal(value, precision as number, scale as number),
  },
  uuid: {
    fits: ({ type, size }) => type === 'string' || (type === 'fixed' && size === 16),
    kind: 'string',
    expected: 'string (a UUID)',
    toBase: (value, { type }) => (!isUuid(value) ? undefined : type === 'fixed' ? uuidToBytes(value) : value),
    fromBase: (value, { type }) => (type === 'fixed' ? bytesToUuid(value) : value),
  },
  date: { fits: isInt, kind: 'string', expected: 'string (YYYY-MM-DD)', toBase: dateToDays, fromBase: daysToDate },
  'time-millis': {
    fits: isInt,
    kind: 'number',
    expected: 'number (ms since midnight)',
    toBase: numberBelow(dayMs),
    fromBase: (value) => value,
  },
  'time-micros': {
    fits: isLong,
    kind: 'number',
    long: 'number',
    expected: 'number (µs since midnight)',
    toBase: numberBelow(dayMs * 1000),
    fromBase: (value) => value,
  },
  'timestamp-millis': {
    fits: isLong,
    kind: 'object',
    long: 'number',
    expected: 'Date',
    toBase: (value: unknown) => (value instanceof Date && !Number.isNaN(value.getTime()) ? value.getTime() : undefined),
    fromBase: (value) => {
      const date = new Date(value)
      if (Number.isNaN(date.getTime())) throw new RangeError('beyond the range of Date')
      return date
    },
  },
  'timestamp-micros': epoch('µs'),
  'timestamp-nanos': epoch('ns'),
  'local-timestamp-millis': local(3),
  'local-timestamp-micros': local(6),
  'local-timestamp-nanos': local(9),
  duration: {
    fits: ({ type, size }) => type === 'fixed' && size === 12,
    kind: 'object',
    expected: '{ months, days, milliseconds }, each from 0 to 2^32 - 1',
    toBase: (value: unknown) => {
      if (typeof value !== 'object' || value === null) return undefined
      const { months, days, milliseconds } = value as Record<string, unknown>
      const parts = [months, days, milliseconds]
      if (!parts.every((part) => Number.isInteger(part) && (part as number) >= 0 && (part as number) < 2 ** 32))
        return undefined
      const bytes = Buffer.alloc(12)
      parts.forEach((part, index) => bytes.writeUInt32LE(part as number, index * 4))
      return bytes
    },
    fromBase: (value: Buffer) => ({
      months: value.readUInt32LE(0),
      days: value.readUInt32LE(4),
      milliseconds: value.readUInt32LE(8),
    }),
  },
}

/** What a value of avsc’s `logical:<name>` must look like, for errors. */
export function expectedOf(typeName: string): string | undefined {
  return logicalTypes[typeName.replace('logical:', '')]?.expected
}

/** The JavaScript kind of avsc’s `logical:<name>`; undefined for other type names. */
export function logicalShapeOf(typeName: string): Kind | undefined {
  return typeName.startsWith('logical:') ? logicalTypes[typeName.slice('logical:'.length)]?.kind : undefined
}

/** The type of a schema with a `logicalType`; undefined where that is unknown or does not fit, and so is to be ignored. */
export function createLogicalType(
  avsc: AvroModule,
  schema: Readonly<Record<string, unknown>>,
  options: object,
  numbers: ExactNumbers,
): AvroType | undefined {
  const name = schema['logicalType'] as string
  const conversion = Object.hasOwn(logicalTypes, name) ? logicalTypes[name] : undefined
  if (!conversion?.fits(schema)) return undefined
  const { toBase, fromBase, long } = conversion
  const LogicalType = (avsc.types as unknown as Record<string, AvroTypeClass>)['LogicalType']!

  class Logical extends LogicalType {
    readonly attributes = schema
    _toValue(value: unknown): unknown {
      return toBase(value as never, schema)
    }
    _fromValue(value: unknown): unknown {
      // Undefined is what avsc reads past the end of the bytes, and reports itself.
      return value === undefined ? undefined : fromBase(value as never, schema)
    }
    override _update(resolver: WritableResolver, writer: AvroType, registry?: object): void {
      if (!isSameLogicalType(schema, writer)) return
      const base = this.underlyingType!.createResolver(writer.underlyingType ?? writer, registry)
      resolver._read = (tap: AvroTap) => this._fromValue(base._read(tap))
    }
  }
  return new Logical(schema, long === undefined ? options : { ...options, typeHook: () => numbers.longs[long] })
}

/** Micros read as millis would be wrong by a factor of a thousand; a plain number has no unit to contradict. */
function isSameLogicalType(reader: Readonly<Record<string, unknown>>, writer: AvroType): boolean {
  const attributes = (writer as AvroType & { attributes?: Readonly<Record<string, unknown>> }).attributes
  if (attributes === undefined) return true
  return attributes['logicalType'] === reader['logicalType'] && (attributes['scale'] ?? 0) === (reader['scale'] ?? 0)
}
