import type { Socket } from 'node:net'
import type { ErrorNotifier, ErrorReport } from './error-notifier.ts'

/** What is used of a Bugsnag client, e.g. what `Bugsnag.start()` returns. */
export interface BugsnagClient {
  notify(error: Error, onError: (event: BugsnagEvent) => void, done: (error: unknown) => void): void
  leaveBreadcrumb(message: string, metadata: Record<string, unknown>, type: 'state'): void
}

export interface BugsnagEvent {
  severity: 'info' | 'warning' | 'error'
  groupingHash?: string
  addMetadata(section: string, values: Record<string, unknown>): void
}

export interface BugsnagStartOptions {
  readonly apiKey: { reveal(): string }
  /** URL that reports are posted to. Default: Bugsnag’s own. */
  readonly endpoint: string | undefined
  /** Default: Bugsnag’s own. */
  readonly releaseStage: string | undefined
}

/** How long a report may take to arrive, in ms. */
const socketTimeoutMs = 10_000

/** Reports through a client that the application has started; what it added to its client (user, callbacks) goes along. */
export function createBugsnagNotifier(client: BugsnagClient): ErrorNotifier {
  return {
    notify: (report) =>
      new Promise<void>((resolve, reject) => {
        const done = (error: unknown): void => {
          if (error instanceof Error) reject(error)
          else resolve()
        }
        client.notify(createReportedError(report), (event) => fillEvent(event, report), done)
      }),
    leaveBreadcrumb: ({ event, metadata }) => client.leaveBreadcrumb(event, { ...metadata }, 'state'),
  }
}

/** A client of our own that reports what it is given and nothing else: no uncaught exceptions, sessions, console lines or source code. */
export async function startBugsnag(options: BugsnagStartOptions): Promise<ErrorNotifier> {
  const { apiKey, endpoint, releaseStage } = options
  const { default: module } = await import('@bugsnag/js')
  const agent = await createBriefAgent(endpoint)
  const client = module.default.createClient({
    apiKey: apiKey.reveal(),
    ...(endpoint === undefined ? {} : { endpoints: { notify: endpoint, sessions: endpoint } }),
    ...(releaseStage === undefined ? {} : { releaseStage }),
    agent,
    autoDetectErrors: false,
    autoTrackSessions: false,
    sendCode: false,
    enabledBreadcrumbTypes: ['state'],
    logger: null,
  })
  return createBugsnagNotifier(client)
}

/** The vendor's requests have no time-out: an endpoint that accepts and never answers would hold the process for good. */
async function createBriefAgent(endpoint: string | undefined): Promise<unknown> {
  const isPlain = endpoint?.startsWith('http:')
  const { Agent } = isPlain ? await import('node:http') : await import('node:https')
  const agent = new Agent()
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    const socket = connect(...args) as Socket | undefined
    socket?.unref()
    return socket?.setTimeout(socketTimeoutMs, () => socket.destroy())
  }
  return agent
}

/** A new error without `cause`, which Bugsnag would send along and which may hold a payload. */
function createReportedError({ code, message, stack }: ErrorReport): Error {
  const error = new Error(message)
  error.name = code
  if (stack !== undefined) error.stack = stack
  return error
}

function fillEvent(event: BugsnagEvent, report: ErrorReport): void {
  const { severity, groupingHash, stack: _, ...metadata } = report
  event.severity = severity
  event.groupingHash = groupingHash
  event.addMetadata('messaging', metadata)
}
