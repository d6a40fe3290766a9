import { isMessagingError, type MessagingError } from '../errors/messaging-error.ts'
import { channels, type EventName, type EventPayloads } from '../instrumentation/events.ts'
import { UnheardFailures } from '../instrumentation/unheard-failures.ts'
import type { Channel } from 'node:diagnostics_channel'

type Details<Name extends EventName> = Omit<EventPayloads[Name], 'instance' | 'manifest'>

/** What is told by a process warning where nobody listens: no caller hears of it. */
const failures: Partial<Record<EventName, string>> = {
  'message.rejected': 'gave up a message',
  'consumer.errored': 'has trouble',
  'consumer.replaced': 'got a new client',
}

/** What one consumer has done: counts for health(), events for whoever listens. */
export class ConsumerLedger {
  readonly instance: string
  readonly manifest: string
  handled = 0
  rejected = 0
  deferred = 0
  deduplicated = 0
  deadLettered = 0
  lastError: MessagingError | undefined
  readonly #unheard = new UnheardFailures()

  constructor(instance: string, manifest: string) {
    this.instance = instance
    this.manifest = manifest
  }

  /** @param details made only where somebody listens */
  publish<Name extends ConsumerEvent>(name: Name, details: () => Details<Name>): void {
    const channel = channels[name] as unknown as Channel<unknown, object>
    const { instance, manifest } = this
    if (channel.hasSubscribers) channel.publish({ instance, manifest, ...details() })
    else if (failures[name] !== undefined) {
      const { error } = details() as unknown as { readonly error: MessagingError }
      if (!isOfRebalance(error)) this.#unheard.warn(name, `The consumer ${manifest} ${failures[name]}`, error)
    }
  }
}

/** Such as a commit that comes too late: whoever has the partition now goes on. */
function isOfRebalance(error: MessagingError): boolean {
  return [error, error.cause].some((thrown) => isMessagingError(thrown, 'GROUP_REJOIN_REQUIRED'))
}

type ConsumerEvent = {
  [
    Name in EventName
  ]: Name extends `${'consumer' | 'partition' | 'offset' | 'batch' | 'attempt' | 'handler' | 'pause'}.${string}`
    ? Name
    : Name extends 'message.rejected' | 'message.deferred' | 'message.deduplicated' | 'message.dead_lettered'
      ? Name
      : never
}[EventName]
