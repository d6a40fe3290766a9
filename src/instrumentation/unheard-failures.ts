import type { MessagingError } from '../errors/messaging-error.ts'
import type { EventName } from './events.ts'

/** Process warnings in place of events of failures that nobody listens to, and that no caller hears of: they would pass in silence. */
export class UnheardFailures {
  readonly #told = new Set<string>()

  /**
   * Warns once for each event and code.
   * @param what failed, without a full stop
   */
  warn(event: EventName, what: string, { code, message }: MessagingError): void {
    const kind = `${event} ${code}`
    if (this.#told.has(kind)) return
    this.#told.add(kind)
    process.emitWarning(
      `${what}: ${message} Further failures with ${code} are not shown; subscribe to "${event}" to see each.`,
      'PostriderWarning',
      code,
    )
  }
}
