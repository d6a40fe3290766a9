import * as fc from '../fast-check.ts'

/** A schema together with how its values are made. */
export interface SchemaCase {
  readonly schema: unknown
  readonly value: fc.Arbitrary<unknown>
}

const leaf = (schema: unknown, value: fc.Arbitrary<unknown>): SchemaCase => ({ schema, value })

const leaves: readonly SchemaCase[] = [
  leaf('null', fc.constant(null)),
  leaf('boolean', fc.boolean()),
  leaf('int', fc.integer()),
  leaf('long', fc.maxSafeInteger()),
  leaf('float', fc.float({ noNaN: true })),
  leaf('double', fc.double({ noNaN: true })),
  leaf('string', fc.string({ unit: 'grapheme', maxLength: 20 })),
  leaf(
    'bytes',
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  ),
  leaf(
    { type: 'int', logicalType: 'date' },
    fc.integer({ min: 0, max: 40_000 }).map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
  ),
  leaf({ type: 'long', logicalType: 'timestamp-millis' }, fc.date({ noInvalidDate: true })),
  leaf({ type: 'long', logicalType: 'timestamp-micros' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
]

/** Schemas up to four levels deep; named types get names of their own. */
export function randomSchema(): fc.Arbitrary<SchemaCase> {
  let names = 0
  const nextName = (): string => `N${names++}`
  return fc.letrec<{
    node: SchemaCase
    leaf: SchemaCase
    array: SchemaCase
    map: SchemaCase
    record: SchemaCase
    union: SchemaCase
  }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', maxDepth: 4, withCrossShrink: true },
      tie('leaf'),
      tie('record'),
      tie('array'),
      tie('map'),
      tie('union'),
    ),
    leaf: fc.oneof(
      fc.constantFrom(...leaves),
      fc
        .uniqueArray(fc.stringMatching(/^[A-Z]{1,3}$/), { minLength: 1, maxLength: 5 })
        .map((symbols) => leaf({ type: 'enum', name: nextName(), symbols }, fc.constantFrom(...symbols))),
      fc.nat(20).map((size) =>
        leaf(
          { type: 'fixed', name: nextName(), size },
          fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes)),
        ),
      ),
    ),
    array: tie('node').map(({ schema, value }) =>
      leaf({ type: 'array', items: schema }, fc.array(value, { maxLength: 6 })),
    ),
    map: tie('node').map(({ schema, value }) =>
      leaf(
        { type: 'map', values: schema },
        fc.dictionary(fc.string({ maxLength: 8 }), value, { maxKeys: 6, noNullPrototype: true }),
      ),
    ),
    record: fc.array(tie('node'), { maxLength: 6 }).map((parts) =>
      leaf(
        {
          type: 'record',
          name: nextName(),
          fields: parts.map(({ schema }, index) => ({ name: `f${index}`, type: schema })),
        },
        fc.record(Object.fromEntries(parts.map(({ value }, index) => [`f${index}`, value])), {
          noNullPrototype: true,
        }),
      ),
    ),
    // Unwrapped by its kinds: null and one that is neither null nor a union.
    union: tie('node').map((part) =>
      Array.isArray(part.schema) || part.schema === 'null' ? part : leaf(['null', part.schema], fc.option(part.value)),
    ),
  })).node
}
