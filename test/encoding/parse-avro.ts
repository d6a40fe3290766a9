import { loadAvroTypes } from '../../src/encoding/avro-types.ts'
import { createAvroDecoder } from '../../src/encoding/avro-codec.ts'
import type { AvroSchema, AvroType } from '../../src/encoding/avsc-module.ts'
import type { LongShape } from '../../src/encoding/exact-long.ts'

export async function parseAvro(schema: AvroSchema, longs: LongShape = 'number'): Promise<AvroType> {
  return (await loadAvroTypes(longs))(schema, 'orders-value')
}

/** Writes with one schema and reads with another, or the same. */
export async function pass(value: unknown, writerSchema: AvroSchema, readerSchema = writerSchema, longs?: LongShape) {
  const writer = await parseAvro(writerSchema, longs)
  const reader = readerSchema === writerSchema ? writer : await parseAvro(readerSchema, longs)
  return createAvroDecoder<unknown>(writer, reader)(writer.toBuffer(value), 0)
}
