import { MessagingError } from '../errors/messaging-error.ts'
import { acceptValue, hintFor } from './accept-value.ts'
import { fields, type FieldTable } from './fields.ts'
import { listFields } from './list-fields.ts'

/** Used by the set-up scripts of this repository, not configuration. */
const notConfiguration = new Set(['POSTRIDER_NATIVE_CACHE'])

/** `producer.deliveryTimeoutMs` -> POSTRIDER_PRODUCER_DELIVERY_TIMEOUT_MS */
export function environmentName(path: string): string {
  return `POSTRIDER_${path
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`
}

/**
 * The layer that environment variables make, by path.
 * @throws CONFIG_UNKNOWN_FIELD for a POSTRIDER_ variable that is no field, CONFIG_INVALID for a bad value
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): Map<string, unknown> {
  const known = listFields(fields as FieldTable).filter(([, field]) => field.env !== false)
  const names = known.map(([path]) => environmentName(path))
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('POSTRIDER_') || notConfiguration.has(name) || names.includes(name)) continue
    throw new MessagingError('CONFIG_UNKNOWN_FIELD', { path: `${name} (environment)`, hint: hintFor(name, names) })
  }
  const values = new Map<string, unknown>()
  for (const [path, field] of known) {
    const name = environmentName(path)
    const fallback = typeof field.env === 'string' ? environment[field.env] : undefined
    // An empty variable is one that is not set.
    const value = environment[name] || fallback
    if (!value) continue
    values.set(path, acceptValue(field, field.parse(value), `${path} (environment ${name})`))
  }
  return values
}
