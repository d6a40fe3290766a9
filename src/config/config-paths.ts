import { MessagingError } from '../errors/messaging-error.ts'
import { hintFor } from './accept-value.ts'
import type { Field } from './field.ts'
import { consumerManifestFields, fields, manifestFields, type FieldTable } from './fields.ts'
import { listFields } from './list-fields.ts'

export const fieldTable: FieldTable = fields
/** By path. */
export const allFields = new Map(listFields(fieldTable))

/** What is configured by manifest: `producers.<Manifest>.<field>` overrides `producer.<field>`. */
export const sections = {
  producers: { scope: 'producer', table: manifestFields, fields: new Map(listFields(manifestFields)) },
  consumers: { scope: 'consumer', table: consumerManifestFields, fields: new Map(listFields(consumerManifestFields)) },
} as const
export type Section = keyof typeof sections

const manifestPath = /^(?<prefix>(?<section>producers|consumers)\.(?<manifest>[^.]+))\./

/** What a manifest may be called: its name is part of config paths, events and metrics. */
export function isManifestName(name: string): boolean {
  return /^[\w$-]+$/.test(name)
}

export interface ManifestPath {
  /** Section and manifest. */
  readonly prefix: string
  readonly section: Section
  readonly manifest: string
}

export function manifestOf(path: string): ManifestPath | undefined {
  return manifestPath.exec(path)?.groups as unknown as ManifestPath | undefined
}

/** The path for all manifests of a section: `consumers.OrderPlaced.group` -> `consumer.group` */
export function scopedPath(path: string): string {
  const of = manifestOf(path)
  return of === undefined ? path : path.replace(of.prefix, sections[of.section].scope)
}

export function fieldOf(path: string): Field<unknown> {
  const of = manifestOf(path)
  const field = of === undefined ? allFields.get(path) : sections[of.section].fields.get(path.replace(manifestPath, ''))
  if (!field) throw new MessagingError('CONFIG_UNKNOWN_FIELD', { path, hint: hintFor(path, [...allFields.keys()]) })
  return field
}
