import type { DedupeStore } from '../../config/dedupe-store.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ConsumerManifest } from '../../factory/consumer-manifest.ts'
import type { ConsumerPlan } from '../../factory/create-consumer-plan.ts'
import type { ConsumerLedger } from '../consumer-ledger.ts'
import { nameOfThrown } from './failure.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { backoffMs } from './retry-policy.ts'

/** Longer ids are kept as their hash, so that those who send decide about no more than this of a store. */
const longestId = 128

/** The part of an assigned partition whose messages may be duplicates. */
export interface DedupedPartition {
  readonly consumer: {
    readonly plan: { readonly manifest: Pick<ConsumerManifest, 'filter'> }
    readonly ledger: ConsumerLedger
    errored(error: MessagingError): void
  }
  readonly isEnding: boolean
  done(message: IncomingMessage): Promise<void> | undefined
  wait(owner: 'retry', reason: string, durationMs: number): Promise<void>
}

/** Undefined where nothing is deduplicated. */
export function createDeduplication(plan: ConsumerPlan): Deduplication | undefined {
  const { dedupeStore } = plan.config
  return dedupeStore && new Deduplication(plan, dedupeStore)
}

/** Leaves out what one consumer has handled before, by the id in a header. A message without id is handled in any case. */
export class Deduplication {
  readonly #plan: ConsumerPlan
  readonly #store: DedupeStore

  constructor(plan: ConsumerPlan, store: DedupeStore) {
    this.#plan = plan
    this.#store = store
  }

  /** By group, manifest and topic; undefined where it has none. */
  idOf(message: IncomingMessage): string | undefined {
    const { config, group, name } = this.#plan
    const id = message.header(config.messageIdHeader)
    if (id === undefined || id === '') return undefined
    return `${encodeURIComponent(group)}/${name}/${message.origin.topic}/${id.length > longestId ? hashOf(id) : id}`
  }

  /**
   * Those that were not handled before; the others are done. Waits for as long as the store cannot say.
   * None where the partition ends before.
   */
  async fresh(work: DedupedPartition, messages: readonly IncomingMessage[]): Promise<IncomingMessage[]> {
    const ids = new Map<IncomingMessage, string>()
    for (const message of messages) {
      const id = isWanted(work, message) ? this.idOf(message) : undefined
      if (id !== undefined) ids.set(message, id)
    }
    const seen = ids.size === 0 ? new Set<string>() : await this.#patiently(work, () => this.#seen([...ids.values()]))
    if (seen === undefined) return []
    const fresh: IncomingMessage[] = []
    for (const message of messages) {
      const id = ids.get(message)
      if (id === undefined || !seen.has(id)) {
        // Another one of it in the same batch is a duplicate, too.
        if (id !== undefined) seen.add(id)
        fresh.push(message)
        continue
      }
      const { topic, partition, offset } = message
      work.consumer.ledger.deduplicated++
      work.consumer.ledger.publish('message.deduplicated', () => ({ topic, partition, offset }))
      await work.done(message)
    }
    return fresh
  }

  /** They were handled. Waits for as long as the store does not take it; false where the partition ends before. */
  async record(work: DedupedPartition, messages: readonly IncomingMessage[]): Promise<boolean> {
    const ids = messages.map((message) => this.idOf(message)).filter((id) => id !== undefined)
    if (ids.length === 0) return true
    const { dedupeTtlMs } = this.#plan.config
    return (await this.#patiently(work, async () => (await this.#store.record(ids, dedupeTtlMs), true))) === true
  }

  async #seen(ids: readonly string[]): Promise<Set<string>> {
    return new Set(await this.#store.seen(ids))
  }

  /** Undefined where the partition ends before there is an answer. */
  async #patiently<Answer>(work: DedupedPartition, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    const { name: manifest, config } = this.#plan
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask()
      } catch (cause) {
        const reason = `it threw ${nameOfThrown(cause)}`
        const error = new MessagingError('DEDUPE_STORE_FAILED', { manifest, reason }, { manifest, cause })
        work.consumer.errored(error)
        if (work.isEnding) return undefined
        await work.wait('retry', error.message, backoffMs(config, attempt))
        if (work.isEnding) return undefined
      }
    }
  }
}

/** A filter that throws is for whoever handles the message. */
function isWanted(work: DedupedPartition, message: IncomingMessage): boolean {
  try {
    return work.consumer.plan.manifest.filter?.(message) ?? true
  } catch {
    return false
  }
}

function hashOf(id: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(id).digest('base64url')
}
