import { MessagingError } from '../errors/messaging-error.ts'
import { acceptValue, hintFor } from './accept-value.ts'
import { fieldTable, isManifestName, sections, type Section } from './config-paths.ts'
import type { ConsumerOptions, FieldTable, MessagingOptions, ProducerOptions } from './fields.ts'
import { isField } from './list-fields.ts'

/** Options as they are given -> values by path, checked. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID */
export function flattenOptions(options: MessagingOptions): Map<string, unknown> {
  const { producers = {}, consumers = {}, ...rest } = checkObject(options, '(all)', 'an object')
  const values = flattenTable(rest, fieldTable, '', Object.keys(sections))
  for (const [section, overrides] of Object.entries({ producers, consumers }) as [Section, typeof producers][]) {
    checkObject(overrides, section, 'an object with overrides by manifest name')
    for (const [manifest, options] of Object.entries(overrides)) {
      // A dot would make a path of its own out of the name.
      if (!isManifestName(manifest)) {
        const value = JSON.stringify(manifest)
        throw new MessagingError('CONFIG_INVALID', { path: section, value, expected: 'names of manifests' })
      }
      for (const [path, value] of flattenManifest(section, manifest, options)) values.set(path, value)
    }
  }
  return values
}

/** Those of one manifest. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID */
export function flattenManifest(
  section: Section,
  manifest: string,
  options: ProducerOptions | ConsumerOptions,
): Map<string, unknown> {
  return flattenTable(options, sections[section].table, `${section}.${manifest}`)
}

/** Those of one table, which stands at the path `at`. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID */
export function flattenTable(
  options: object,
  table: FieldTable,
  at: string,
  alsoKnown: readonly string[] = [],
): Map<string, unknown> {
  checkObject(options, at, `an object with ${Object.keys(table).join(', ')}`)
  const values = new Map<string, unknown>()
  for (const [name, value] of Object.entries(options)) {
    const path = at === '' ? name : `${at}.${name}`
    const entry = Object.hasOwn(table, name) ? table[name] : undefined
    if (!entry)
      throw new MessagingError('CONFIG_UNKNOWN_FIELD', {
        path,
        hint: hintFor(name, [...Object.keys(table), ...alsoKnown]),
      })
    if (value === undefined) continue
    if (isField(entry)) values.set(path, acceptValue(entry, value, path))
    else for (const found of flattenTable(value as object, entry, path)) values.set(...found)
  }
  return values
}

/** Values for fields of one table, checked. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID */
export function acceptTable(options: object, table: FieldTable, at: string): Readonly<Record<string, unknown>> {
  const values = flattenTable(options, table, at)
  return Object.fromEntries(Array.from(values, ([path, value]) => [path.slice(at.length + 1), value]))
}

/** The type of something else is all that is told about it: a whole object may hold a password. */
export function checkObject<Options extends object>(options: Options, path: string, expected: string): Options {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  const value = options === null ? 'null' : Array.isArray(options) ? 'an array' : `of type ${typeof options}`
  throw new MessagingError('CONFIG_INVALID', { path, value, expected })
}
