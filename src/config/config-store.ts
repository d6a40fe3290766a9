import { MessagingError } from '../errors/messaging-error.ts'
import { hintFor, invalidValue } from './accept-value.ts'
import { allFields, fieldOf, fieldTable, manifestOf, scopedPath, type Section } from './config-paths.ts'
import { environmentName, readEnvironment } from './environment.ts'
import {
  consumerFields,
  consumerManifestFields,
  manifestFields,
  producerFields,
  type ConsumerConfig,
  type ConsumerOptions,
  type FieldTable,
  type MessagingConfig,
  type MessagingOptions,
  type ProducerConfig,
  type ProducerOptions,
} from './fields.ts'
import { acceptTable, checkObject, flattenManifest, flattenOptions } from './flatten-options.ts'
import { isField } from './list-fields.ts'
import { fitTransactions } from './fit-transactions.ts'
import { Secret } from './secret.ts'

/** Where a value comes from, weakest first. A shared package configures the library layer, an application its own. */
export const configLayers = [
  'default',
  'environment',
  'library',
  'application',
  'manifest',
  'library override',
  'application override',
] as const
export type ConfigLayer = (typeof configLayers)[number]

export interface ConfigExplanation {
  readonly path: string
  readonly value: unknown
  /** The layer that won; undefined when no layer has a value. */
  readonly layer: ConfigLayer | undefined
  /** What it beat, strongest first. */
  readonly beaten: readonly { readonly layer: ConfigLayer; readonly value: unknown }[]
  readonly expected: string
  readonly doc: string
  /** The environment variable of the field, where it has one. */
  readonly environmentName: string | undefined
}

interface Candidate {
  readonly layer: ConfigLayer
  readonly value: unknown
}

/** The layers of one messaging instance. Nothing is read, not even the environment, before it is asked. */
export class ConfigStore {
  readonly #environment: NodeJS.ProcessEnv
  readonly #configured = { library: new Map<string, unknown>(), application: new Map<string, unknown>() }
  readonly #manifests = new Map<string, ReadonlyMap<string, unknown>>()
  #fromEnvironment: Map<string, unknown> | undefined
  #resolved: MessagingConfig | undefined
  /** Manifests that are built or being built, and how often: each variant of one counts. */
  readonly #users = new Map<string, number>()

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.#environment = environment
  }

  /**
   * Adds `options` to a layer; a later call wins over an earlier one. All or nothing.
   * @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID, CONFIG_IN_USE
   */
  configure(options: MessagingOptions, layer: 'library' | 'application' = 'application'): void {
    const values = flattenOptions(options)
    const target = this.#configured[layer]
    for (const [path, value] of values) {
      const current = target.get(path)
      if (allFields.get(path)?.merge) values.set(path, { ...(current as object | undefined), ...(value as object) })
      const user = this.#userOf(path)
      if (user !== undefined && !sameValue(current, values.get(path)))
        throw new MessagingError('CONFIG_IN_USE', { path, user })
    }
    for (const [path, value] of values) target.set(path, value)
    this.#resolved = undefined
  }

  /**
   * Changes who logs in, also while that is in use; what is not given stays.
   * @throws CONFIG_MISSING without `sasl.mechanism`, CONFIG_INVALID, CONFIG_UNKNOWN_FIELD
   */
  rotateCredentials(credentials: { readonly username?: string; readonly password?: string }): void {
    const { username, password, ...rest } = checkObject(credentials, 'sasl', 'an object with username and password')
    const values = flattenOptions({ sasl: { username, password } })
    const [stray] = Object.keys(rest)
    if (stray !== undefined)
      throw new MessagingError('CONFIG_UNKNOWN_FIELD', {
        path: `sasl.${stray}`,
        hint: hintFor(stray, ['username', 'password']),
      })
    if (this.resolve().sasl.mechanism === undefined) {
      const path = 'sasl.mechanism'
      throw new MessagingError('CONFIG_MISSING', { path, env: environmentName(path) })
    }
    for (const [path, value] of values) this.#configured.application.set(path, value)
    this.#resolved = undefined
  }

  /** Everything that belongs to no single manifest, frozen. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID, CONFIG_MISSING */
  resolve(): MessagingConfig {
    if (this.#resolved) return this.#resolved
    const { producer: _, consumer: __, ...table } = fieldTable
    const config = resolveTable(table, (path) => this.#winning(path)) as unknown as MessagingConfig
    const { mechanism, username, password } = config.sasl
    if (mechanism !== undefined && (username === undefined || password === undefined)) {
      const missing = username === undefined ? 'sasl.username' : 'sasl.password'
      throw new MessagingError('CONFIG_MISSING', { path: missing, env: environmentName(missing) })
    }
    this.#resolved = config
    return config
  }

  /** What one producer is built from, frozen; `overrides` win over every layer. @throws CONFIG_INVALID */
  resolveProducer(manifest: string, attributes: ProducerOptions, overrides: ProducerOptions = {}): ProducerConfig {
    this.#manifests.set(`producers.${manifest}`, flattenManifest('producers', manifest, attributes))
    const config = resolveTable(
      manifestFields,
      (name) => overrides[name as keyof ProducerOptions] ?? this.#winning(`producers.${manifest}.${name}`),
    )
    return this.#reconcile(manifest, config as unknown as ProducerConfig, overrides.idempotence === undefined)
  }

  /** What one consumer is made from, frozen; `overrides` win over every layer. @throws CONFIG_INVALID */
  resolveConsumer(manifest: string, attributes: ConsumerOptions, overrides: ConsumerOptions = {}): ConsumerConfig {
    this.#manifests.set(`consumers.${manifest}`, flattenManifest('consumers', manifest, attributes))
    const config = resolveTable(
      consumerManifestFields,
      (name) => overrides[name as keyof ConsumerOptions] ?? this.#winning(`consumers.${manifest}.${name}`),
    ) as unknown as ConsumerConfig
    if (config.commit !== 'transaction') return config
    const path = `consumers.${manifest}.concurrency`
    const isChosen = overrides.concurrency !== undefined || this.explain(path).layer !== 'default'
    return fitTransactions(manifest, config, isChosen)
  }

  /** Settings for a variant of one manifest, checked. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID */
  acceptOverrides(manifest: string, overrides: ProducerOptions): ProducerOptions {
    return acceptTable(overrides, producerFields, `with(${manifest})`)
  }

  /** Settings of one run for all its consumers, checked. @throws CONFIG_UNKNOWN_FIELD, CONFIG_INVALID */
  acceptRunOptions(options: ConsumerOptions): ConsumerOptions {
    return acceptTable(options, consumerFields, 'consumers.run()')
  }

  /**
   * Which layer set a field and which ones it beat, e.g. `brokers` or `producers.OrderPlaced.acks`.
   * Attributes of a manifest are known once it was sent, or when given here.
   * @throws CONFIG_UNKNOWN_FIELD
   */
  explain(path: string, attributes?: ProducerOptions | ConsumerOptions): ConfigExplanation {
    const field = fieldOf(path)
    const of = manifestOf(path)
    if (of && attributes) this.#manifests.set(of.prefix, flattenManifest(of.section, of.manifest, attributes))
    const candidates = this.#candidates(path).toReversed()
    const winner = candidates[0]
    const scoped = scopedPath(path)
    return {
      path,
      value: this.#winning(path),
      layer: winner?.layer,
      beaten: candidates.slice(1),
      expected: field.type,
      doc: field.doc,
      environmentName: field.env === false ? undefined : environmentName(scoped),
    }
  }

  /** From here on, what `manifest` and its client are built from cannot change. */
  lock(manifest: string, section: Section = 'producers'): void {
    const user = `${section}.${manifest}`
    this.#users.set(user, (this.#users.get(user) ?? 0) + 1)
  }

  /** Producer manifests that somebody has configured by name. */
  get overriddenManifests(): ReadonlySet<string> {
    const paths = [...this.#configured.library.keys(), ...this.#configured.application.keys()]
    const named = paths.map(manifestOf).filter((of) => of?.section === 'producers')
    return new Set(named.map((of) => of!.manifest))
  }

  /** The reverse of `lock`, for a build that failed. */
  unlock(manifest: string, section: Section = 'producers'): void {
    const user = `${section}.${manifest}`
    const users = (this.#users.get(user) ?? 0) - 1
    if (users > 0) this.#users.set(user, users)
    else this.#users.delete(user)
  }

  /** Whether anything is built or being built. */
  get isLocked(): boolean {
    return this.#users.size > 0
  }

  /** Who already uses a path: a manifest's own overrides are free until it is built. */
  #userOf(path: string): string | undefined {
    const of = manifestOf(path)
    const user = of === undefined ? [...this.#users.keys()][0] : this.#users.has(of.prefix) ? of.prefix : undefined
    return user?.slice(user.indexOf('.') + 1)
  }

  #candidates(path: string): Candidate[] {
    const environment = (this.#fromEnvironment ??= readEnvironment(this.#environment))
    const { library, application } = this.#configured
    const of = manifestOf(path)
    const scoped = scopedPath(path)
    const values: Record<ConfigLayer, unknown> = {
      default: fieldOf(path).default,
      environment: environment.get(scoped),
      library: library.get(scoped),
      application: application.get(scoped),
      manifest: of && this.#manifests.get(of.prefix)?.get(path),
      'library override': of && library.get(path),
      'application override': of && application.get(path),
    }
    return configLayers.map((layer) => ({ layer, value: values[layer] })).filter(({ value }) => value !== undefined)
  }

  #winning(path: string): unknown {
    const candidates = this.#candidates(path)
    if (!fieldOf(path).merge) return candidates.at(-1)?.value
    return Object.freeze(Object.assign({}, ...candidates.map(({ value }) => value)))
  }

  /**
   * Idempotence against what it needs. It gives way to acks where it is only the default; where somebody chose it, that is refused.
   * Never to maxInFlight: a larger one without idempotence can swap messages, which nobody asks for by a number.
   */
  #reconcile(manifest: string, config: ProducerConfig, unlessOverridden: boolean): ProducerConfig {
    const path = `producers.${manifest}.idempotence`
    if (!config.idempotence) return config
    const byDefault = unlessOverridden && this.explain(path).layer === 'default'
    if (config.acks !== 'all') {
      if (byDefault) return Object.freeze({ ...config, idempotence: false })
      throw invalidValue(
        producerFields.idempotence,
        true,
        path,
        `false where acks is ${config.acks} (idempotence needs acks "all")`,
      )
    }
    if (config.maxInFlight > 5) {
      const expected = 'at most 5 with idempotence (KIP-98); or set idempotence to false'
      throw invalidValue(producerFields.maxInFlight, config.maxInFlight, `producers.${manifest}.maxInFlight`, expected)
    }
    return config
  }
}

function resolveTable(
  table: FieldTable,
  valueOf: (path: string) => unknown,
  prefix = '',
): Readonly<Record<string, unknown>> {
  return Object.freeze(
    Object.fromEntries(
      Object.entries(table).map(([name, entry]) => {
        const path = `${prefix}${name}`
        return [name, isField(entry) ? valueOf(path) : resolveTable(entry, valueOf, `${path}.`)]
      }),
    ),
  )
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a instanceof Secret && b instanceof Secret) return a.reveal() === b.reveal()
  // An object that was passed in is only the same as itself; it may hold anything, cycles too.
  if (!isPlain(a) || !isPlain(b)) return false
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))]
  return left.length === right.size && left.every(([name, value]) => sameValue(value, right.get(name)))
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
