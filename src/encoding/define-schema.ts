import type { LongShape } from './exact-long.ts'

/**
 * Keeps an Avro schema’s literal types without `as const`, so that `FromSchema` can read them.
 * @example
 * const orderSchema = defineSchema({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] })
 * class OrderPlaced extends ProducerManifest<FromSchema<typeof orderSchema>> { … }
 */
export function defineSchema<const Schema extends string | object>(schema: Schema): Schema {
  return schema
}

/**
 * The payloads of a schema literal, in the shapes of docs/schemas.md: unions unwrapped where their branches
 * have different kinds, else wrapped; logical types; references to named types, recursive ones too. A field with a
 * default may be left out. `Longs` is the manifest’s or codec’s `longs`, `number` by default; `References` are the
 * types of the manifest’s `references`.
 */
export type FromSchema<
  Schema,
  Longs extends LongShape = 'number',
  References extends readonly unknown[] = [],
> = ValueOf<
  Schema,
  {
    definitions: DefinitionsOf<Schema, ''> | DefinitionsOf<SchemaOf<References[number]>, ''>
    longs: LongValues[Longs]
  },
  ''
>

/** Of an entry of `references`. */
type SchemaOf<Reference> = Reference extends { subject: string; schema: infer Schema } ? Schema : Reference

interface LongValues {
  number: number
  bigint: bigint
}

/** What a schema’s parts are read with: the named types of the whole, each with its full name, and the shape of longs. */
interface Context {
  definitions: unknown
  longs: unknown
}

interface Primitives {
  null: null
  boolean: boolean
  int: number
  float: number
  double: number
  string: string
  bytes: Buffer
}

/** The shapes of src/encoding/logical-types.ts. */
interface LogicalValues {
  decimal: string
  uuid: string
  date: string
  'time-millis': number
  'time-micros': number
  'timestamp-millis': Date
  'timestamp-micros': bigint
  'timestamp-nanos': bigint
  'local-timestamp-millis': string
  'local-timestamp-micros': string
  'local-timestamp-nanos': string
  duration: { months: number; days: number; milliseconds: number }
}

type ValueOf<Schema, In extends Context, Namespace extends string> = Schema extends keyof Primitives
  ? Primitives[Schema]
  : Schema extends 'long'
    ? In['longs']
    : Schema extends string
      ? ReferenceValue<Schema, In, Namespace>
      : Schema extends readonly unknown[]
        ? UnionValue<Schema, In, Namespace>
        : Schema extends { logicalType: infer Logical extends keyof LogicalValues }
          ? LogicalValues[Logical]
          : ComplexValue<Schema, In, Namespace>

type ComplexValue<Schema, In extends Context, Namespace extends string> = Schema extends {
  type: 'record' | 'error'
  fields: infer Fields extends readonly unknown[]
}
  ? RecordValue<Fields[number], In, NamespaceOf<Schema, Namespace>>
  : Schema extends { type: 'enum'; symbols: readonly (infer Symbol)[] }
    ? Symbol
    : Schema extends { type: 'fixed' }
      ? Buffer
      : Schema extends { type: 'array'; items: infer Items }
        ? ValueOf<Items, In, Namespace>[]
        : Schema extends { type: 'map'; values: infer Values }
          ? { [key: string]: ValueOf<Values, In, Namespace> }
          : Schema extends { type: infer Type }
            ? ValueOf<Type, In, Namespace>
            : unknown

type RecordValue<Field, In extends Context, Namespace extends string> = Flat<
  {
    [Each in Field as Each extends { default: unknown } ? never : NameOf<Each>]: FieldValue<Each, In, Namespace>
  } & {
    [Each in Field as Each extends { default: unknown } ? NameOf<Each> : never]?:
      FieldValue<Each, In, Namespace> | undefined
  }
>
type FieldValue<Field, In extends Context, Namespace extends string> = Field extends { type: infer Type }
  ? ValueOf<Type, In, Namespace>
  : never
type Flat<Type> = { [Key in keyof Type]: Type[Key] }
type NameOf<Of> = Of extends { name: infer Name extends string } ? Name : never

// Names. A name with a dot is full; any other is in the namespace around it (Avro specification, “Names”).
type NamespaceOf<Schema, Namespace extends string> = Schema extends { name: `${infer Path}.${infer Rest}` }
  ? BeforeLastDot<`${Path}.${Rest}`>
  : Schema extends { namespace: infer Own extends string }
    ? Own
    : Namespace
type BeforeLastDot<Name extends string> = Name extends `${infer First}.${infer Rest}`
  ? Rest extends `${string}.${string}`
    ? `${First}.${BeforeLastDot<Rest>}`
    : First
  : ''
type FullName<Name extends string, Namespace extends string> = Name extends `${string}.${string}`
  ? Name
  : Namespace extends ''
    ? Name
    : `${Namespace}.${Name}`

interface Definition<Name extends string, Schema, Namespace extends string> {
  name: Name
  schema: Schema
  namespace: Namespace
}
type DefinitionsOf<Schema, Namespace extends string> = Schema extends readonly (infer Branch)[]
  ? Branch extends unknown
    ? DefinitionsOf<Branch, Namespace>
    : never
  : Schema extends { name: infer Name extends string; type: 'record' | 'error' | 'enum' | 'fixed' }
    ? | Definition<FullName<Name, NamespaceOf<Schema, Namespace>>, Schema, Namespace>
      | FieldDefinitions<Schema, NamespaceOf<Schema, Namespace>>
    : Schema extends { type: 'array'; items: infer Items }
      ? DefinitionsOf<Items, Namespace>
      : Schema extends { type: 'map'; values: infer Values }
        ? DefinitionsOf<Values, Namespace>
        : never
type FieldDefinitions<Schema, Namespace extends string> = Schema extends { fields: readonly (infer Field)[] }
  ? Field extends { type: infer Type }
    ? DefinitionsOf<Type, Namespace>
    : never
  : never

type ReferenceValue<Name extends string, In extends Context, Namespace extends string> =
  Extract<In['definitions'], { name: FullName<Name, Namespace> }> extends Definition<string, infer Schema, infer Outer>
    ? ValueOf<Schema, In, Outer>
    : unknown

// Unions.
type UnionValue<Branches extends readonly unknown[], In extends Context, Namespace extends string> =
  HasTwoOfAKind<Branches, In, Namespace> extends true
    ? { [Index in keyof Branches]: WrappedValue<Branches[Index], In, Namespace> }[number]
    : { [Index in keyof Branches]: ValueOf<Branches[Index], In, Namespace> }[number]

type WrappedValue<Branch, In extends Context, Namespace extends string> = Branch extends 'null'
  ? null
  : { [Name in BranchName<Branch, Namespace>]: ValueOf<Branch, In, Namespace> }

type BranchName<Branch, Namespace extends string> = Branch extends keyof Primitives | 'long'
  ? Branch
  : Branch extends string
    ? FullName<Branch, Namespace>
    : Branch extends { name: infer Name extends string }
      ? FullName<Name, NamespaceOf<Branch, Namespace>>
      : Branch extends { type: infer Type extends string }
        ? Type
        : never

// By the schema, not by its value: that of a record under way is not known yet.
type KindOf<Branch, In extends Context, Namespace extends string> = Branch extends 'int' | 'float' | 'double'
  ? 'number'
  : Branch extends 'long'
    ? In['longs'] extends bigint
      ? 'bigint'
      : 'number'
    : Branch extends 'bytes'
      ? 'buffer'
      : Branch extends keyof Primitives
        ? Branch
        : Branch extends string
          ? Extract<In['definitions'], { name: FullName<Branch, Namespace> }> extends Definition<
              string,
              infer Schema,
              string
            >
            ? KindOf<Schema, In, Namespace>
            : 'object'
          : Branch extends { logicalType: infer Logical extends keyof LogicalValues }
            ? LogicalKind<LogicalValues[Logical]>
            : Branch extends { type: 'array' }
              ? 'array'
              : Branch extends { type: 'fixed' }
                ? 'buffer'
                : Branch extends { type: 'enum' }
                  ? 'string'
                  : Branch extends { type: 'record' | 'error' | 'map' }
                    ? 'object'
                    : Branch extends { type: infer Type }
                      ? KindOf<Type, In, Namespace>
                      : never
type LogicalKind<Value> = Value extends string
  ? 'string'
  : Value extends number
    ? 'number'
    : Value extends bigint
      ? 'bigint'
      : 'object'

type HasTwoOfAKind<
  Branches extends readonly unknown[],
  In extends Context,
  Namespace extends string,
  Seen = never,
> = Branches extends readonly [infer First, ...infer Rest]
  ? KindOf<First, In, Namespace> extends Seen
    ? true
    : HasTwoOfAKind<Rest, In, Namespace, Seen | KindOf<First, In, Namespace>>
  : false
