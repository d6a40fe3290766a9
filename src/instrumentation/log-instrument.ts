import type { MessagingError } from '../errors/messaging-error.ts'
import { severityOf } from './error-severity.ts'
import { events, subscribe, type EventName } from './events.ts'
import type { Instrument } from './instrument.ts'
import { ReportLimiter } from './report-limiter.ts'
import { createWarning, reasonOf } from './warn-once.ts'

/** What is used of a logger: pino’s, or any with methods that take fields and a text. */
export interface Logger {
  debug(fields: object, text: string): void
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

/** `logging.*` as resolved. */
export interface LogConfig {
  readonly logger: Logger | undefined
  readonly messages: boolean
  readonly maxPerMinute: number
}

interface Failure {
  readonly event: EventName
  readonly payload: object & { readonly error: MessagingError }
}

/** One or more for each message: logged on request only. */
const frequent: ReadonlySet<EventName> = new Set<EventName>([
  'message.sent',
  'message.acknowledged',
  'message.suppressed',
  'schema.fetched',
  'batch.handled',
  'offset.committed',
  'message.deduplicated',
  'message.dead_lettered',
])

/** Numbers for metrics; a line for each would say nothing. */
const measurements: ReadonlySet<EventName> = new Set<EventName>([
  'broker.measured',
  'message.encoded',
  'partition.measured',
  'pause.measured',
  'event_loop.measured',
])

const levels = { info: 'info', warning: 'warn', error: 'error' } as const

/**
 * Logs the events of one messaging instance: a failure by the severity of its code, what each message does as `debug` where
 * `messages` is set, all else but measurements as `info`. Lines hold what events hold: no key, no payload, no secret, no cause of an error.
 * Of one code, `maxPerMinute` failures in a minute have a line; the next line says as `suppressed` how many had none.
 * @returns undefined when there is no logger
 */
export function startLogging({ logger, messages, maxPerMinute }: LogConfig, instance: string): Instrument | undefined {
  if (!logger) return undefined
  const names = (Object.keys(events) as EventName[]).filter(
    (name) => !measurements.has(name) && (messages || !frequent.has(name)),
  )
  const warn = createWarning((thrown) => `The logger failed: ${reasonOf(thrown)}`)
  const limiter = new ReportLimiter<Failure>(maxPerMinute, ({ event, payload }, suppressed) => {
    const { error } = payload
    const fields = { event, ...payload, error: error.toJSON(), ...(suppressed === 0 ? {} : { suppressed }) }
    try {
      logger[levelOf(error, payload)](fields, error.message)
    } catch (thrown) {
      // Here, since the last line of a minute is written by a timer, where nobody else catches it.
      warn(thrown)
    }
    return true
  })
  const stops = names.map((event) =>
    subscribe(event, (payload) => {
      if (payload.instance !== instance) return
      if ('error' in payload) limiter.add(payload.error.code, { event, payload })
      else logger[frequent.has(event) ? 'debug' : 'info']({ event, ...payload }, events[event])
    }),
  )
  return {
    close() {
      for (const stop of stops) stop()
      limiter.close()
      return Promise.resolve()
    },
  }
}

/** A failure that its caller gets is at most a warning: whether it is an error is for the caller to say. */
function levelOf({ code }: MessagingError, payload: object): 'info' | 'warn' | 'error' {
  const level = levels[severityOf(code)]
  const isAwaited = 'dispatched' in payload && payload.dispatched === false
  return isAwaited && level === 'error' ? 'warn' : level
}
