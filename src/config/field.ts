import { Secret } from './secret.ts'

/** One row of the table of config fields. */
export interface Field<Resolved, Input = Resolved> {
  /** What the docs and errors call the accepted values. */
  readonly type: string
  /** Absent: the field is optional and has no value unless a layer sets it. */
  readonly default?: Resolved
  readonly doc: string
  /** The environment variable besides POSTRIDER_<PATH> that sets it when that one does not; false: not from the environment. */
  readonly env?: string | false
  /** Values are kept out of errors. */
  readonly secret?: boolean
  /** Objects of several layers are merged; otherwise the strongest layer wins alone. */
  readonly merge?: boolean
  /** The resolved value, or undefined when `value` is not acceptable. */
  readonly accept: (value: unknown) => Resolved | undefined
  /** The value of an environment variable. */
  readonly parse: (text: string) => unknown
  readonly '~input'?: Input
  readonly '~resolved'?: Resolved
}

interface Details<Resolved> {
  readonly doc: string
  readonly default?: Resolved
  readonly env?: string | false
}

/** Keeps in the type whether a field has a default, so that its resolved value is known not to be undefined. */
type WithDefault<Resolved, Given> = Given extends { readonly default: unknown }
  ? { readonly default: Resolved }
  : unknown

const asIs = (value: string): string => value

export function text<Given extends Details<string> & { readonly pattern?: RegExp; readonly expected?: string }>(
  given: Given,
): Field<string> & WithDefault<string, Given> {
  const { pattern, expected = 'a string', ...details } = given
  const accept = (value: unknown): string | undefined =>
    typeof value === 'string' && (pattern === undefined || pattern.test(value)) ? value : undefined
  return { type: expected, accept, parse: asIs, ...details } as Field<string> & WithDefault<string, Given>
}

export function integer<
  Given extends Details<number> & { readonly min: number; readonly max?: number; readonly unit: string },
>(given: Given): Field<number> & WithDefault<number, Given> {
  const { min, max = Number.MAX_SAFE_INTEGER, unit, ...details } = given
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
  const accept = (value: unknown): number | undefined =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max ? (value as number) : undefined
  return { type: `an integer ${range} (${unit})`, accept, parse: parseNumber, ...details } as Field<number> &
    WithDefault<number, Given>
}

/** Integers, in the environment separated by commas. */
export function integers<
  Given extends Details<readonly number[]> & {
    readonly min: number
    readonly max: number
    readonly unit: string
    readonly most: number
  },
>(given: Given): Field<readonly number[]> & WithDefault<readonly number[], Given> {
  const { min, max, unit, most, ...details } = given
  const accept = (value: unknown): readonly number[] | undefined =>
    Array.isArray(value) &&
    value.length <= most &&
    value.every((item) => Number.isSafeInteger(item) && item >= min && item <= max)
      ? Object.freeze([...(value as number[])])
      : undefined
  const parse = (value: string): unknown => (value.trim() === '' ? [] : value.split(',').map(parseNumber))
  return {
    type: `a list of up to ${most} integers from ${min} to ${max} (${unit})`,
    accept,
    parse,
    ...details,
  } as Field<readonly number[]> & WithDefault<readonly number[], Given>
}

export function fraction<Given extends Details<number>>(given: Given): Field<number> & WithDefault<number, Given> {
  const accept = (value: unknown): number | undefined =>
    typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined
  return { type: 'a number from 0 to 1', accept, parse: parseNumber, ...given } as Field<number> &
    WithDefault<number, Given>
}

export function positive<Given extends Details<number> & { readonly unit: string }>(
  given: Given,
): Field<number> & WithDefault<number, Given> {
  const { unit, ...details } = given
  const accept = (value: unknown): number | undefined =>
    typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined
  return { type: `a number above 0 (${unit})`, accept, parse: parseNumber, ...details } as Field<number> &
    WithDefault<number, Given>
}

export function flag<Given extends Details<boolean>>(given: Given): Field<boolean> & WithDefault<boolean, Given> {
  const accept = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
  const parse = (value: string): unknown =>
    ({ true: true, '1': true, false: false, '0': false })[value.toLowerCase()] ?? value
  return { type: 'true or false', accept, parse, ...given } as Field<boolean> & WithDefault<boolean, Given>
}

export function choice<const Value extends string | number, Given extends Details<NoInfer<Value>>>(
  values: readonly Value[],
  given: Given,
): Field<Value> & WithDefault<Value, Given> {
  const accept = (value: unknown): Value | undefined => values.find((candidate) => candidate === value)
  const parse = (value: string): unknown => values.find((candidate) => String(candidate) === value) ?? value
  return { type: `one of ${values.join(', ')}`, accept, parse, ...given } as Field<Value> & WithDefault<Value, Given>
}

/** Strings that match `pattern`; in the environment separated by commas. */
export function list(
  given: Details<readonly string[]> & { readonly pattern: RegExp; readonly expected: string },
): Field<readonly string[]> {
  const { pattern, expected, ...details } = given
  const accept = (value: unknown): readonly string[] | undefined =>
    Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && pattern.test(item))
      ? Object.freeze([...(value as string[])])
      : undefined
  return { type: expected, accept, parse: (value) => value.split(',').map((item) => item.trim()), ...details }
}

export function secret(details: Details<Secret>): Field<Secret, string | Secret> {
  const accept = (value: unknown): Secret | undefined => {
    if (value instanceof Secret) return value
    return typeof value === 'string' && value !== '' ? new Secret(value) : undefined
  }
  return { type: 'a secret string', accept, parse: asIs, secret: true, ...details }
}

/** An object that the application passes in, known by the methods it has. Its inside is kept out of errors. */
export function passedIn<Value extends object>(
  given: Details<Value> & { readonly methods: readonly (keyof Value & string)[]; readonly expected: string },
): Field<Value> {
  const { methods, expected, ...details } = given
  const accept = (value: unknown): Value | undefined => {
    // Bugsnag’s singleton is an object, a class with static methods is a function.
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
    const isUsable = methods.every((name) => typeof (value as Value)[name] === 'function')
    return isUsable ? (value as Value) : undefined
  }
  return { type: expected, accept, parse: asIs, env: false, secret: true, ...details }
}

export type PassThrough = Readonly<Record<string, string | number | boolean | Secret>>

/** An object whose keys are not ours to know; layers add to each other. What smells of a secret becomes one. */
export function passThrough(details: Details<PassThrough> & { readonly default: PassThrough }): Field<PassThrough> & {
  readonly default: PassThrough
} {
  const accept = (value: unknown): PassThrough | undefined => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    const usable = entries.every(
      ([, item]) => ['string', 'number', 'boolean'].includes(typeof item) || item instanceof Secret,
    )
    if (!usable) return undefined
    return Object.freeze(
      Object.fromEntries(
        entries.map(([name, item]) => [
          name,
          secretName.test(name) && typeof item === 'string' ? new Secret(item) : item,
        ]),
      ),
    )
  }
  // The whole value is kept out of errors: a single bad entry may stand beside a password.
  return {
    type: 'an object of strings, numbers and booleans',
    accept,
    parse: parseJson,
    merge: true,
    secret: true,
    ...details,
  }
}

// What librdkafka's own list of sensitive properties (rdkafka_conf.c) has in common, and what other drivers call such things.
const secretName = /password|passphrase|secret|token|\bkey\.pem\b|credential|jaas|oauthbearer\.config/i

function parseNumber(value: string): unknown {
  const number = value.trim() === '' ? Number.NaN : Number(value)
  return Number.isNaN(number) ? value : number
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
