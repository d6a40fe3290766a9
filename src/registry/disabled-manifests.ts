import { AsyncLocalStorage } from 'node:async_hooks'
import type { ProducerManifestClass } from '../factory/producer-manifest.ts'

/** Which manifests send nothing, in the async context of the caller. */
export class DisabledManifests {
  // Made on first use, since hardly any process needs it.
  #storage: AsyncLocalStorage<ReadonlySet<unknown> | 'all'> | undefined

  /** Disables `manifests` (all, if there are none) for `run` and everything it starts, beside what is disabled already. */
  run<Result>(manifests: readonly ProducerManifestClass[], run: () => Result): Result {
    this.#storage ??= new AsyncLocalStorage()
    const outer = this.#storage.getStore()
    const disabled = outer === 'all' || manifests.length === 0 ? 'all' : new Set([...(outer ?? []), ...manifests])
    return this.#storage.run(disabled, run)
  }

  has(Manifest: ProducerManifestClass): boolean {
    const disabled = this.#storage?.getStore()
    return disabled !== undefined && (disabled === 'all' || disabled.has(Manifest))
  }
}
