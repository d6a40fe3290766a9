import type { ProducerOptions } from '../config/fields.ts'
import { describeType } from '../encoding/codec.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import type { Producer } from '../factory/producer.ts'
import { isProducerManifestClass, manifestNameOf, type ProducerManifestClass } from '../factory/producer-manifest.ts'
import { ProducerEntry } from './producer-entry.ts'

/** A manifest with other settings: what `registry.with` was given, or what a transaction needs. */
export interface ProducerVariant {
  /** The same text for the same settings. */
  readonly name: string
  readonly overrides: ProducerOptions
  /** Of a client whose messages all belong to transactions. */
  readonly transaction?: VariantTransaction
}

export interface VariantTransaction {
  /** Default: the configured one. */
  readonly id?: string
  readonly overrides?: ProducerOptions
}

/** The variant for accepted settings. */
export function createVariant(overrides: ProducerOptions): ProducerVariant {
  const settings = Object.entries(overrides).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { name: settings.map(([field, value]) => `${field}=${value}`).join(', ') || 'as it is', overrides }
}

/** Of all manifests that are sent in transactions of one identity. */
export function transactionalVariant(transaction: VariantTransaction): ProducerVariant {
  const { id } = transaction
  return { name: id === undefined ? 'in transactions' : `in transactions of ${id}`, overrides: {}, transaction }
}

/** Each may have a client, with threads and connections, of its own. */
const maxVariants = 20

export type BuildProducer = (
  Manifest: ProducerManifestClass,
  name: string,
  variant: ProducerVariant | undefined,
) => Promise<Producer>

/** The places of all manifests sent so far, and of their variants. */
export class ProducerEntries {
  readonly #build: BuildProducer
  readonly #plain = new Map<unknown, ProducerEntry>()
  readonly #variants = new Map<unknown, Map<string, ProducerEntry>>()
  readonly #manifestByName = new Map<string, ProducerManifestClass>()

  constructor(build: BuildProducer) {
    this.#build = build
  }

  /** @throws MANIFEST_UNKNOWN, MANIFEST_INVALID for a name taken twice, SEND_OPTION_INVALID for too many variants */
  of(Manifest: ProducerManifestClass, variant?: ProducerVariant): ProducerEntry {
    if (variant === undefined) return this.#plain.get(Manifest) ?? this.#add(Manifest)
    return this.#variants.get(Manifest)?.get(variant.name) ?? this.#addVariant(Manifest, variant)
  }

  *[Symbol.iterator](): Generator<ProducerEntry> {
    yield* this.#plain.values()
    for (const variants of this.#variants.values()) yield* variants.values()
  }

  #add(Manifest: ProducerManifestClass): ProducerEntry {
    const name = this.#claimName(Manifest)
    const entry = new ProducerEntry(name, () => this.#build(Manifest, name, undefined))
    this.#plain.set(Manifest, entry)
    return entry
  }

  #addVariant(Manifest: ProducerManifestClass, variant: ProducerVariant): ProducerEntry {
    const name = this.#claimName(Manifest)
    const variants = this.#variants.get(Manifest) ?? new Map<string, ProducerEntry>()
    if (variant.transaction === undefined && variants.size >= maxVariants) {
      const parameters = {
        manifest: name,
        option: 'with()',
        expected: `at most ${maxVariants} different sets of settings for one manifest`,
        actual: `another one (${variant.name})`,
      }
      throw new MessagingError('SEND_OPTION_INVALID', parameters, { manifest: name })
    }
    const entry = new ProducerEntry(name, () => this.#build(Manifest, name, variant), variant.name)
    this.#variants.set(Manifest, variants.set(variant.name, entry))
    return entry
  }

  #claimName(Manifest: ProducerManifestClass): string {
    if (!isProducerManifestClass(Manifest)) {
      const value =
        typeof Manifest === 'function'
          ? `The class ${(Manifest as { name: string }).name}`
          : `A value of type ${describeType(Manifest)}`
      throw new MessagingError('MANIFEST_UNKNOWN', { value })
    }
    const name = manifestNameOf(Manifest)
    const namesake = this.#manifestByName.get(name)
    if (namesake !== undefined && namesake !== Manifest) {
      const reason = 'is also the name of another manifest class; give one of them a static manifestName'
      throw new MessagingError('MANIFEST_INVALID', { manifest: name, attribute: 'name', reason }, { manifest: name })
    }
    this.#manifestByName.set(name, Manifest)
    return name
  }
}
