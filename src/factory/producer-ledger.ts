import type { MessagingError } from '../errors/messaging-error.ts'
import { channels } from '../instrumentation/events.ts'

/** What became of the messages of one producer: counts for status(), events for whoever listens. */
export class ProducerLedger {
  readonly manifest: string
  readonly topic: string
  readonly instance: string
  started = 0
  acknowledged = 0
  failed = 0
  lastError: MessagingError | undefined
  #warned = new Set<string>()

  constructor(manifest: string, topic: string, instance: string) {
    this.manifest = manifest
    this.topic = topic
    this.instance = instance
  }

  recordAcknowledged(partition: number, offset: number, bytes: number, startedAt: number): void {
    this.acknowledged++
    const channel = channels['message.acknowledged']
    if (!channel.hasSubscribers) return
    const { instance, manifest, topic } = this
    const durationMs = startedAt === 0 ? 0 : performance.now() - startedAt
    channel.publish({ instance, manifest, topic, partition, offset, bytes, durationMs })
  }

  /** @param partition -1 where none was chosen yet */
  recordFailed(error: MessagingError, dispatched: boolean, partition = -1): void {
    this.failed++
    this.lastError = error
    const { instance, manifest, topic } = this
    const channel = channels['message.failed']
    if (channel.hasSubscribers) channel.publish({ instance, manifest, topic, partition, error, dispatched })
    else if (dispatched) this.#warnOnce(error)
  }

  /** A dispatched message that fails while nobody listens would be lost in silence. */
  #warnOnce(error: MessagingError): void {
    if (this.#warned.has(error.code)) return
    this.#warned.add(error.code)
    process.emitWarning(
      `A dispatched ${this.manifest} failed: ${error.message} Further failures with ${error.code} are not shown; subscribe to "message.failed" to see each.`,
      'PostriderWarning',
      error.code,
    )
  }
}
