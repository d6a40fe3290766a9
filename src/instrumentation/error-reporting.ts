import type { MessagingError } from '../errors/messaging-error.ts'
import type { BugsnagClient } from './bugsnag-notifier.ts'
import type { ErrorNotifier, ErrorReport } from './error-notifier.ts'
import { severityOf } from './error-severity.ts'
import { subscribe, type EventName, type EventPayloads } from './events.ts'
import type { Instrument } from './instrument.ts'
import { ReportLimiter } from './report-limiter.ts'
import { ReportQueue } from './report-queue.ts'

/** `errorNotifier.*` as resolved. */
export interface ErrorReportingConfig {
  readonly notifier: ErrorNotifier | undefined
  readonly bugsnag: BugsnagClient | undefined
  readonly apiKey: { reveal(): string } | undefined
  readonly endpoint: string | undefined
  readonly awaited: boolean
  readonly ignore: readonly string[] | undefined
  readonly maxPerMinute: number
}

const breadcrumbEvents = [
  'producer.built',
  'producer.build_failed',
  'client.connected',
  'client.errored',
  'client.closed',
  'consumer.started',
  'consumer.stopped',
  'partition.assigned',
  'partition.revoked',
  'registry.closing',
] as const satisfies readonly EventName[]

/**
 * Reports dispatched failures, rejected messages of consumers and background errors of one messaging instance; awaited failures where `awaited` is set.
 * A failed build is no report of its own: each send that waited for it fails with the same error and is reported, or not, as any other.
 * @returns undefined when no notifier is configured
 */
export function startErrorReporting(
  config: ErrorReportingConfig,
  instance: string,
  environment: string | undefined,
): Instrument | undefined {
  const queue = createQueue(config, environment)
  if (!queue) return undefined
  const ignored = new Set(config.ignore)
  const limiter = new ReportLimiter<Omit<ErrorReport, 'suppressed'>>(config.maxPerMinute, (reported, suppressed) =>
    queue.add({ ...reported, suppressed }),
  )

  const report = (error: MessagingError, details: Pick<ErrorReport, 'source' | 'driver' | 'partition'>): void => {
    const { code, manifest } = error
    if (ignored.has(code)) return
    const { message, topic, outcome, retriable, driverCode, stack } = error
    const severity = severityOf(code)
    const groupingHash = `${code}:${manifest ?? details.driver ?? ''}`
    const described = { code, message, severity, manifest, topic, outcome, retriable, driverCode, stack }
    limiter.add(code, { ...described, ...details, groupingHash, instance })
  }

  const ofInstance =
    <Name extends EventName>(listener: (payload: EventPayloads[Name]) => void) =>
    (payload: EventPayloads[Name]): void => {
      if (payload.instance === instance) listener(payload)
    }
  const stops = [
    subscribe(
      'message.failed',
      ofInstance<'message.failed'>(({ error, dispatched, partition }) => {
        if (!dispatched && !config.awaited) return
        const source = dispatched ? 'dispatch' : 'awaited'
        report(error, { source, driver: undefined, partition: partition === -1 ? undefined : partition })
      }),
    ),
    subscribe(
      'client.errored',
      ofInstance<'client.errored'>(({ error, driver }) => {
        report(error, { source: 'background', driver, partition: undefined })
      }),
    ),
    subscribe(
      'message.rejected',
      ofInstance<'message.rejected'>(({ error, partition }) => {
        report(error, { source: 'consumer', driver: undefined, partition })
      }),
    ),
    ...(['consumer.errored', 'consumer.replaced', 'handler.blocked'] as const).map((event) =>
      subscribe(
        event,
        ofInstance<typeof event>(({ error }) => {
          report(error, { source: 'background', driver: undefined, partition: undefined })
        }),
      ),
    ),
    subscribe(
      'schema_registry.errored',
      ofInstance<'schema_registry.errored'>(({ error }) => {
        report(error, { source: 'background', driver: undefined, partition: undefined })
      }),
    ),
    ...breadcrumbEvents.map((event) =>
      subscribe(
        event,
        ofInstance<typeof event>((payload) => queue.leaveBreadcrumb({ event, metadata: describe(payload) })),
      ),
    ),
  ]
  return {
    close() {
      for (const stop of stops) stop()
      limiter.close()
      return queue.close()
    },
  }
}

function createQueue(config: ErrorReportingConfig, environment: string | undefined): ReportQueue | undefined {
  const { notifier, bugsnag, apiKey, endpoint } = config
  if (notifier) return new ReportQueue(() => Promise.resolve(notifier), { ready: true })
  const load = () => import('./bugsnag-notifier.ts')
  if (bugsnag)
    return new ReportQueue(async () => (await load()).createBugsnagNotifier(bugsnag), {
      ready: true,
    })
  if (apiKey) {
    const options = { apiKey, endpoint, releaseStage: environment }
    return new ReportQueue(async () => (await load()).startBugsnag(options), { ready: false })
  }
  return undefined
}

/** The plain values of an event; of an error its code, since its cause may hold anything. */
function describe(payload: object): Readonly<Record<string, string | number>> {
  const metadata: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(payload) as [string, unknown][]) {
    if (name === 'error') metadata['code'] = (value as MessagingError).code
    else if (typeof value === 'string' || typeof value === 'number') metadata[name] = value
  }
  return metadata
}
