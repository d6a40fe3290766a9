import type { Field } from './field.ts'
import type { FieldTable } from './fields.ts'

/** Every field with its dotted path, in the order of the table. */
export function listFields(table: FieldTable, prefix = ''): [path: string, field: Field<unknown>][] {
  return Object.entries(table).flatMap(([name, entry]) => {
    const path = `${prefix}${name}`
    return isField(entry) ? [[path, entry] as [string, Field<unknown>]] : listFields(entry, `${path}.`)
  })
}

export function isField(entry: Field<unknown, unknown> | FieldTable): entry is Field<unknown> {
  return typeof entry.accept === 'function'
}
