import { MessagingError } from '../errors/messaging-error.ts'
import { loadAvsc, type AvroModule, type AvroSchema, type AvroType, type AvroTypeClass } from './avsc-module.ts'
import { parseSchemaText } from './canonical-schema.ts'
import { createExactNumbers, type LongShape } from './exact-long.ts'
import { createGuardedTypes } from './guarded-types.ts'
import { createLogicalType, logicalShapeOf } from './logical-types.ts'

/** Parses schemas into types whose values have the shapes of docs/schemas.md. */
export type ParseSchema = (schema: AvroSchema, subject: string) => AvroType

/** @param longs shape of a long without logical type */
export async function loadAvroTypes(longs: LongShape = 'number'): Promise<ParseSchema> {
  const avsc = await loadAvsc()
  const createType = createTypeHook(avsc, longs)
  return (schema, subject) => {
    try {
      const parsed: unknown = typeof schema === 'string' ? parseSchemaText(schema) : schema
      const options: object = { typeHook: createType }
      return avsc.Type.forSchema(parsed as string, options) as AvroType
    } catch (error) {
      throw new MessagingError('SCHEMA_INVALID', { subject, reason: (error as Error).message }, { cause: error })
    }
  }
}

type SchemaObject = Readonly<Record<string, unknown>>

/** avsc asks this hook for the type of every schema it meets; undefined leaves it to avsc. */
function createTypeHook(
  avsc: AvroModule,
  longs: LongShape,
): (schema: unknown, options: object) => AvroType | undefined {
  const numbers = createExactNumbers(avsc, longs)
  const { refer, ...guarded } = createGuardedTypes(avsc)
  const { int, long, float, double } = numbers
  const byName = new Map(Object.entries({ int, long, float, double }))
  const { EnumType, WrappedUnionType, UnwrappedUnionType } = avsc.types as unknown as Record<string, AvroTypeClass>
  const forSchema = (schema: unknown, options: object): AvroType =>
    avsc.Type.forSchema(schema as string, options) as AvroType

  // Schemas that are being made as the base of a logical type; for these the hook gives the plain one.
  const bases = new WeakSet<object>()

  return function createType(schema, options) {
    if (typeof schema === 'string') {
      return byName.get(schema) ?? refer(forSchema(schema, { ...options, typeHook: undefined }))
    }
    if (Array.isArray(schema)) {
      const types = schema.map((branch) => forSchema(branch, options))
      const Union = isAmbiguous(types) ? WrappedUnionType! : UnwrappedUnionType!
      return withoutInherited(new Union(types, options), '_branchIndices')
    }
    const { type, logicalType } = schema as SchemaObject
    if (typeof type === 'object' && type !== null) return forSchema(type, options)
    if (logicalType !== undefined && !bases.has(schema as object)) {
      const base = { ...(schema as SchemaObject) }
      bases.add(base)
      const logical = createLogicalType(avsc, base, options, numbers)
      if (logical !== undefined) return logical
    }
    if (type === 'enum') return withoutInherited(new EnumType!(schema, options), '_indices')
    if (type === 'array') return new guarded.ArrayType(schema, options)
    if (type === 'map') return new guarded.MapType(schema, options)
    if (type === 'record' || type === 'error') return new guarded.RecordType(schema, options)
    return byName.get(type as string)
  }
}

// avsc looks symbols and branches up in plain objects, where it would find `toString` as well.
function withoutInherited(type: AvroType, lookup: '_indices' | '_branchIndices'): AvroType {
  Object.setPrototypeOf((type as unknown as Record<string, object>)[lookup]!, null)
  return type
}

/** Whether two branches have values of the same JavaScript kind, so that a bare value would not tell which it is. */
function isAmbiguous(types: readonly AvroType[]): boolean {
  return new Set(types.map(kindOf)).size < types.length
}

const kinds: Readonly<Record<string, string>> = {
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  'abstract:long': 'bigint',
  enum: 'string',
  bytes: 'buffer',
  fixed: 'buffer',
  map: 'object',
  record: 'object',
  error: 'object',
}

function kindOf({ typeName }: AvroType): string {
  return logicalShapeOf(typeName) ?? kinds[typeName] ?? typeName
}
