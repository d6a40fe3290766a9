import { MessagingError } from '../errors/messaging-error.ts'
import type { Instrument } from './instrument.ts'
import type { BeginTrace, MessageTrace, SentMessage } from './message-trace.ts'

/** What producers look at for each message, one for all. */
export interface TraceSwitch {
  /** Undefined while no manifest is traced. */
  readonly begin: ((message: SentMessage) => MessageTrace | undefined) | undefined
}

/** `tracing.*` as resolved. */
export interface TracingConfig {
  readonly manifests: readonly string[] | undefined
  readonly sampleRate: number
  readonly signal: 'SIGUSR2' | undefined
}

export interface TracingStatus {
  /** Whether @opentelemetry/api is loaded, without which nothing is traced. */
  readonly loaded: boolean
  /** Sample rate by manifest name, `*` for all others; false for one that is switched off while others are on. */
  readonly manifests: Readonly<Record<string, number | false>>
}

/** Switches the tracing of manifests at run time. */
export interface TracingControl {
  /**
   * Traces the sends of a manifest, by its name, or of all (`*`, the default), from now on. Resolves when it is in force; never rejects.
   * Without @opentelemetry/api it is a process warning, and `status().loaded` stays false.
   * @param options `sampleRate`: the part of all messages that get a span, 0 to 1. Default: 1
   * @throws INPUT_INVALID at once
   */
  enable(manifest?: string, options?: { readonly sampleRate?: number }): Promise<void>
  /** Stops tracing a manifest, or all. Spans of messages under way still end. */
  disable(manifest?: string): void
  /** What is switched on now. */
  status(): TracingStatus
}

const all = '*'

/** The switch of one messaging instance. Nothing is loaded before something is switched on. */
export class Tracing implements TracingControl, TraceSwitch {
  begin: TraceSwitch['begin']
  readonly #load: () => Promise<BeginTrace>
  readonly #rates = new Map<string, number | false>()
  #loading: Promise<void> | undefined
  #beginSampled: BeginTrace | undefined

  constructor(load: () => Promise<BeginTrace> = loadOpenTelemetry) {
    this.#load = load
  }

  enable(manifest: string = all, { sampleRate = 1 }: { readonly sampleRate?: number } = {}): Promise<void> {
    if (typeof manifest !== 'string' || manifest === '') throw invalid('the manifest must be a name, or * for all')
    if (typeof sampleRate !== 'number' || !(sampleRate >= 0 && sampleRate <= 1))
      throw invalid('sampleRate must be a number from 0 to 1')
    this.#rates.set(manifest, sampleRate)
    this.#refresh()
    this.#loading ??= this.#loaded()
    return this.#loading
  }

  disable(manifest: string = all): void {
    if (manifest === all) this.#rates.clear()
    else if (this.#rates.has(all)) this.#rates.set(manifest, false)
    else this.#rates.delete(manifest)
    this.#refresh()
  }

  status(): TracingStatus {
    return { loaded: this.#beginSampled !== undefined, manifests: Object.fromEntries(this.#rates) }
  }

  /** Settles when what was switched on so far is in force; undefined when nothing was. */
  get ready(): Promise<void> | undefined {
    return this.#loading
  }

  /** Does what the configuration says, except for manifests that were switched before. */
  start({ manifests = [], sampleRate, signal }: TracingConfig): Instrument | undefined {
    const enableConfigured = (names: readonly string[]): void => {
      for (const name of names) if (!this.#rates.has(name)) void this.enable(name, { sampleRate })
    }
    enableConfigured(manifests)
    if (signal === undefined) return undefined
    const toggle = (): void => {
      if (this.#rates.size > 0) this.disable()
      else enableConfigured(manifests.length > 0 ? manifests : [all])
    }
    process.on(signal, toggle)
    return {
      close() {
        process.off(signal, toggle)
        return Promise.resolve()
      },
    }
  }

  async #loaded(): Promise<void> {
    try {
      this.#beginSampled = await this.#load()
      this.#refresh()
    } catch {
      // The next enable() tries again, e.g. after the package was installed for a process that reloads.
      this.#loading = undefined
      process.emitWarning('Tracing needs the package @opentelemetry/api, which does not load.', 'PostriderWarning')
    }
  }

  #refresh(): void {
    const begin = this.#beginSampled
    const isOn = begin !== undefined && this.#rates.size > 0
    this.begin = isOn ? (message) => this.#beginSome(begin, message) : undefined
  }

  #beginSome(begin: BeginTrace, message: SentMessage): MessageTrace | undefined {
    const rate = this.#rates.get(message.manifest) ?? this.#rates.get(all) ?? false
    return rate === false ? undefined : begin(message, rate)
  }
}

async function loadOpenTelemetry(): Promise<BeginTrace> {
  const module = await import('./open-telemetry.ts')
  return module.loadOpenTelemetry()
}

function invalid(reason: string): MessagingError {
  return new MessagingError('INPUT_INVALID', { source: 'tracing.enable()', reason })
}
