import { MessagingError } from '../errors/messaging-error.ts'
import type { Field } from './field.ts'
import { nearestName } from './nearest-name.ts'

/** The resolved value. @throws CONFIG_INVALID naming path, value (unless secret) and what is expected */
export function acceptValue(field: Field<unknown>, value: unknown, path: string): unknown {
  const accepted = field.accept(value)
  if (accepted === undefined) throw invalidValue(field, value, path)
  return accepted
}

export function invalidValue(
  field: Field<unknown>,
  value: unknown,
  path: string,
  expected = field.type,
): MessagingError {
  return new MessagingError('CONFIG_INVALID', { path, value: field.secret ? '[redacted]' : show(value), expected })
}

export function hintFor(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates)
  return nearest === undefined ? ` Known here: ${candidates.join(', ')}.` : ` Did you mean ${nearest}?`
}

function show(value: unknown): string {
  // Fetched only for an error: importing node:util costs milliseconds and opens the process's stderr.
  const shown =
    typeof value === 'string'
      ? JSON.stringify(value)
      : process.getBuiltinModule('node:util').inspect(value, { breakLength: Infinity, depth: 1 })
  return shown.length > 80 ? `${shown.slice(0, 77)}…` : shown
}
