import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { encodeHeaders } from './message-parts.ts'
import type { HeaderValue, MessageKey, ProducerManifestClass } from './producer-manifest.ts'
import type { SendOptions } from './send-options.ts'

/** One message as its caller gave it, before its manifest sees it. Everything that is not `readonly` may be changed. */
export type OutgoingMessage<Payload = unknown> = OutgoingParts &
  ({ readonly isTombstone: false; payload: Payload } | { readonly isTombstone: true; payload: null })

interface OutgoingParts {
  readonly manifest: string
  /** With its prefix. */
  readonly topic: string
  /** undefined leaves it to the manifest, null is no key. */
  key: MessageKey
  /** Those of the call; they come after the manifest’s. */
  readonly headers: (readonly [name: string, value: HeaderValue])[]
  /** undefined leaves it to the manifest. */
  partition: number | undefined
  /** undefined leaves it to the manifest. */
  timestamp: number | Date | undefined
}

/** Sees each message once and may change or, by throwing, refuse it. Synchronous, so that calls keep their order. */
export type SendMiddleware<Payload = unknown> = (message: OutgoingMessage<Payload>) => void

/** What runs for one manifest now: changes with the list that it comes from. */
export interface MiddlewareChain<Run = SendMiddleware> {
  readonly runs: readonly Run[]
  /** The same for all manifests: where it has nothing, no chain needs a look. */
  readonly list: { readonly isEmpty: boolean }
}

interface Added<Run, Class> {
  readonly Manifest: Class | undefined
  readonly run: Run
}

/** Middleware of one messaging instance, in the order it was added. */
export class MiddlewareList<Run = SendMiddleware, Class = ProducerManifestClass> {
  #added: readonly Added<Run, Class>[] = []
  readonly #chains = new Map<Class, { runs: readonly Run[]; readonly list: MiddlewareList<Run, Class> }>()

  get isEmpty(): boolean {
    return this.#added.length === 0
  }

  /** Adds `run` for one manifest, or for all; the returned function takes it out again. */
  add(Manifest: Class | undefined, run: Run): () => void {
    const entry = { Manifest, run }
    this.#change([...this.#added, entry])
    return () => this.#change(this.#added.filter((added) => added !== entry))
  }

  of(Manifest: Class): MiddlewareChain<Run> {
    const chain = this.#chains.get(Manifest) ?? { runs: this.#runsFor(Manifest), list: this }
    this.#chains.set(Manifest, chain)
    return chain
  }

  #change(added: readonly Added<Run, Class>[]): void {
    this.#added = added
    for (const [Manifest, chain] of this.#chains) chain.runs = this.#runsFor(Manifest)
  }

  #runsFor(Manifest: Class): readonly Run[] {
    return this.#added
      .filter((added) => added.Manifest === undefined || added.Manifest === Manifest)
      .map(({ run }) => run)
  }
}

interface Call {
  readonly payload: unknown
  readonly options: SendOptions
}

/** The call as `runs` leave it. @throws MIDDLEWARE_FAILED, HEADER_INVALID, and a MessagingError of the middleware itself */
export function runMiddleware(
  runs: readonly SendMiddleware[],
  { manifest, topic }: { readonly manifest: string; readonly topic: string },
  { payload, options }: Call,
  isTombstone: boolean,
): Call {
  const { key, partition, timestamp, headers } = options
  const message = {
    manifest,
    topic,
    isTombstone,
    payload,
    key,
    headers: [...(encodeHeaders(manifest, headers) ?? [])],
    partition,
    timestamp,
  } as OutgoingMessage
  for (const run of runs) {
    const failed = (reason: string, cause?: unknown): MessagingError => {
      const parameters = { manifest, middleware: run.name === '' ? 'without a name' : run.name, reason }
      return new MessagingError('MIDDLEWARE_FAILED', parameters, { manifest, topic, cause })
    }
    let returned: unknown
    try {
      returned = run(message)
    } catch (error) {
      throw isMessagingError(error) ? error : failed('', error)
    }
    if (returned instanceof Promise) {
      returned.catch(() => undefined)
      throw failed(': it returns a promise, and is not awaited')
    }
  }
  const { key: newKey, headers: newHeaders, partition: newPartition, timestamp: newTimestamp } = message
  return {
    payload: message.payload,
    options: { key: newKey, headers: newHeaders, partition: newPartition, timestamp: newTimestamp } as SendOptions,
  }
}
