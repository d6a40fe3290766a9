import { loadAvroTypes } from '../encoding/avro-types.ts'
import type { Compatibility } from '../encoding/schema-registry.ts'

/**
 * Whether a compatibility level of Confluent’s allows `schema` after `earlier` versions, by the resolution rules of the
 * Avro specification: for a schema registry that cannot tell.
 * @param earlier the versions that the level names: the latest, or for a transitive one all
 * @throws SCHEMA_INVALID
 */
export async function compareVersions(
  level: string,
  schema: string,
  earlier: readonly string[],
  subject: string,
): Promise<Compatibility> {
  const parse = await loadAvroTypes()
  const [direction = ''] = level.split('_')
  const after = parse(schema, subject)
  const reasons = new Set<string>()
  for (const before of earlier.map((text) => parse(text, subject))) {
    for (const [reader, writer, readers] of [
      [after, before, ['BACKWARD', 'FULL']],
      [before, after, ['FORWARD', 'FULL']],
    ] as const) {
      if (!readers.some((name) => name === direction)) continue
      try {
        reader.createResolver(writer)
      } catch (error) {
        reasons.add((error as Error).message)
      }
    }
  }
  return { compatible: reasons.size === 0, reasons: [...reasons] }
}
