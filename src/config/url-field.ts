import type { Field } from './field.ts'
import { Secret } from './secret.ts'

/**
 * One or several http(s) URLs without credentials, or `alone`; as a list, or as text separated by commas.
 * Marked as secret although it is none: what is refused may hold a password.
 */
export function urls(given: {
  readonly doc: string
  readonly alone: string
  readonly expected: string
}): Field<readonly string[], string | readonly string[]> {
  const { doc, alone, expected } = given
  const accept = (value: unknown): readonly string[] | undefined => {
    const list: readonly unknown[] = typeof value === 'string' ? splitList(value) : Array.isArray(value) ? value : []
    if (list.length === 1 && list[0] === alone) return Object.freeze([alone])
    return list.length > 0 && list.every(isPlainUrl) ? Object.freeze([...list]) : undefined
  }
  return { type: expected, doc, accept, parse: (text) => text, secret: true }
}

/** An http(s) URL that may hold user and password, and is therefore a secret. */
export function secretUrl(given: { readonly doc: string }): Field<Secret, string | Secret> {
  const accept = (value: unknown): Secret | undefined => {
    const text = value instanceof Secret ? value.reveal() : value
    return typeof text === 'string' && isHttp(URL.parse(text)) ? new Secret(text) : undefined
  }
  return { type: 'an http or https URL', accept, parse: (text) => text, secret: true, ...given }
}

function splitList(text: string): string[] {
  return text.split(',').map((item) => item.trim())
}

function isPlainUrl(value: unknown): value is string {
  // A comma would be taken for a part of the host.
  if (typeof value !== 'string' || value.includes(',')) return false
  const url = URL.parse(value)
  return isHttp(url) && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
}

function isHttp(url: URL | null): url is URL {
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:')
}
