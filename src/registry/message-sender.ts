import type { MessagingError } from '../errors/messaging-error.ts'
import type { DeliveryReport } from '../factory/delivery-report.ts'
import type { Producer } from '../factory/producer.ts'
import type { MessageKey, ProducerManifestClass } from '../factory/producer-manifest.ts'
import { sendInTime } from '../factory/send-deadline.ts'
import type { SendManyOptions, SendOptions } from '../factory/send-options.ts'
import { channels } from '../instrumentation/events.ts'
import type { ProducerVariant } from './producer-entries.ts'
import type { ProducerEntry } from './producer-entry.ts'

/** What a send asks of the registry. */
export interface SenderParts {
  readonly instance: () => string
  /** @throws MANIFEST_UNKNOWN, MANIFEST_INVALID, REGISTRY_CLOSED */
  readonly entryOf: (Manifest: ProducerManifestClass, variant: ProducerVariant | undefined) => ProducerEntry
  readonly isDisabled: (Manifest: ProducerManifestClass, entry: ProducerEntry) => boolean
}

/** Sends through the producers of manifests, or of one variant of them, once these are built. */
export class MessageSender {
  readonly #parts: SenderParts
  readonly #variant: ProducerVariant | undefined

  constructor(parts: SenderParts, variant?: ProducerVariant) {
    this.#parts = parts
    this.#variant = variant
  }

  send(Manifest: ProducerManifestClass, payload: unknown, options?: SendOptions): Promise<DeliveryReport> {
    return this.#perform(Manifest, payload, options, sendOne, suppressedReport)
  }

  sendMany(
    Manifest: ProducerManifestClass,
    payloads: readonly unknown[],
    options?: SendManyOptions,
  ): Promise<readonly DeliveryReport[]> {
    // A copy, since callers reuse their lists, and the first build or a full queue may keep this one waiting.
    const list = Array.isArray(payloads) ? [...(payloads as readonly unknown[])] : payloads
    return this.#perform(Manifest, list, options, sendAll, suppressedReports)
  }

  tombstone(Manifest: ProducerManifestClass, key: MessageKey, options?: SendOptions): Promise<DeliveryReport> {
    return this.#perform(Manifest, key, options, sendTombstone, suppressedReport)
  }

  dispatch(Manifest: ProducerManifestClass, payload: unknown, options?: SendOptions): void {
    const { entryOf, isDisabled } = this.#parts
    const entry = entryOf(Manifest, this.#variant)
    if (isDisabled(Manifest, entry)) return
    if (entry.producer) {
      entry.producer.dispatch(payload, options)
      return
    }
    entry.whenBuilt(
      (producer) => producer.dispatch(payload, options),
      (error) => {
        if (!this.#publishFailure(entry.name, error, true))
          process.emitWarning(`A dispatched ${error.message}`, 'PostriderWarning', error.code)
      },
    )
  }

  /** `send` and `suppressed` are given what is sent, so that a message needs no closure. */
  #perform<Given, Options extends SendManyOptions, Result>(
    Manifest: ProducerManifestClass,
    given: Given,
    options: Options | undefined,
    send: (producer: Producer, given: Given, options: Options | undefined) => Promise<Result>,
    suppressed: (given: Given) => Result,
  ): Promise<Result> {
    const { entryOf, isDisabled } = this.#parts
    let entry: ProducerEntry
    try {
      entry = entryOf(Manifest, this.#variant)
    } catch (error) {
      return Promise.reject(error)
    }
    if (isDisabled(Manifest, entry)) return Promise.resolve(suppressed(given))
    // The way of almost every message.
    if (entry.producer && options?.timeoutMs === undefined) return send(entry.producer, given, options)
    return sendInTime(options, (bounded) => {
      if (entry.producer) return send(entry.producer, given, bounded)
      return new Promise((resolve, reject) => {
        const fail = (error: MessagingError): void => {
          this.#publishFailure(entry.name, error, false)
          reject(error)
        }
        entry.whenBuilt((producer) => resolve(send(producer, given, bounded)), fail, bounded?.signal)
      })
    })
  }

  /** False where nobody listens. */
  #publishFailure(manifest: string, error: MessagingError, dispatched: boolean): boolean {
    const channel = channels['message.failed']
    if (!channel.hasSubscribers) return false
    channel.publish({
      instance: this.#parts.instance(),
      manifest,
      topic: error.topic,
      partition: -1,
      error,
      dispatched,
    })
    return true
  }
}

function sendOne(producer: Producer, payload: unknown, options?: SendOptions): Promise<DeliveryReport> {
  return producer.send(payload, options)
}

function sendAll(producer: Producer, payloads: readonly unknown[], options?: SendManyOptions) {
  return producer.sendMany(payloads, options)
}

function sendTombstone(producer: Producer, key: MessageKey, options?: SendOptions): Promise<DeliveryReport> {
  return producer.tombstone(key, options)
}

function suppressedReports(payloads: readonly unknown[]): readonly DeliveryReport[] {
  return payloads.map(suppressedReport)
}

function suppressedReport(): DeliveryReport {
  return { topic: '', partition: -1, offset: -1, timestamp: -1, suppressed: true }
}
