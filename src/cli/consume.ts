import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import { MessagingError } from '../errors/messaging-error.ts'
import type { RunningConsumers } from '../consumer/running-consumers.ts'
import { subscribe } from '../instrumentation/events.ts'
import { messaging as defaultMessaging, type Messaging } from '../messaging.ts'
import { loadConsumers } from './load-manifest.ts'
import type { CommandStreams } from './send.ts'

export const consumeUsage = `postrider consume ./consumers.ts

Runs the consumer manifests that a file exports (or one: ./consumers.ts#BillOrder) until SIGTERM or SIGINT, in the
messaging instance that it exports as "messaging", else in the default one.

  --brokers HOST:PORT,…     in place of POSTRIDER_BROKERS
  --schema-registry URL     in place of POSTRIDER_SCHEMA_REGISTRY_URL
  --group GROUP             in place of POSTRIDER_CONSUMER_GROUP, for manifests that name no group themselves
  --health-port PORT        in place of POSTRIDER_HEALTH_PORT: answer probes over HTTP; 0: any port
  --health-host HOST        in place of POSTRIDER_HEALTH_HOST: on this address instead of 127.0.0.1
  --control PATH            in place of POSTRIDER_CONTROL_SOCKET: a socket for "postrider consumers"

Everything else is configured by the file and by POSTRIDER_* variables (docs/configuration.md).
Exit status: 0 stopped by a signal, 1 could not start or failed, 2 wrong usage, 3 handlers took longer than
stopTimeoutMs and were aborted, 130 or 143 aborted by a second SIGINT or SIGTERM.
`

const variables = {
  brokers: 'POSTRIDER_BROKERS',
  'schema-registry': 'POSTRIDER_SCHEMA_REGISTRY_URL',
  group: 'POSTRIDER_CONSUMER_GROUP',
  'health-port': 'POSTRIDER_HEALTH_PORT',
  'health-host': 'POSTRIDER_HEALTH_HOST',
  control: 'POSTRIDER_CONTROL_SOCKET',
} as const
const signals = ['SIGTERM', 'SIGINT'] as const
const secondSignalMs = 1_000
/** What a second signal leaves for aborted handlers and for closing. */
const forcedMs = 1_000
/** What the process has after all is done to end by itself. */
const patienceMs = 3_000

export async function runConsume(
  args: readonly string[],
  { stdout, stderr, environment }: CommandStreams,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      brokers: { type: 'string' },
      'schema-registry': { type: 'string' },
      group: { type: 'string' },
      'health-port': { type: 'string' },
      'health-host': { type: 'string' },
      control: { type: 'string' },
    },
  })
  const [file] = positionals
  if (file === undefined || positionals.length > 1)
    throw new MessagingError('INPUT_INVALID', { source: 'consume', reason: 'name one file with consumer manifests' })
  // Before the file is loaded, which may begin to send at once.
  for (const [option, variable] of Object.entries(variables)) {
    const value = values[option as keyof typeof variables]
    if (value !== undefined) environment[variable] = value
  }
  const { manifests, exported } = await loadConsumers(file)
  const own = exported['messaging'] as Messaging | undefined
  const messaging = typeof own?.consumers?.run === 'function' ? own : defaultMessaging

  let unfinished = 0
  const tell = ({ manifest, error }: { readonly manifest: string; readonly error: MessagingError }): void =>
    void stderr.write(`${manifest}: ${error.code}: ${error.message}\n`)
  const stops = [
    subscribe('consumer.started', ({ manifest, group, topics, policy }) => {
      const who = group === '' ? 'without a group' : `group ${group}`
      stdout.write(`${manifest}: ${who} reads ${topics}; ${policy}\n`)
    }),
    subscribe('endpoint.opened', ({ purpose, address }) => void stdout.write(`${purpose}: ${address}\n`)),
    subscribe('consumer.stopped', (stopped) => void (unfinished += stopped.unfinished)),
    subscribe('consumer.errored', tell),
    subscribe('consumer.replaced', tell),
    subscribe('handler.blocked', tell),
    subscribe('message.rejected', ({ topic, partition, offset, action, ...rest }) => {
      tell(rest)
      stderr.write(`${rest.manifest}: offset ${offset} of partition ${partition} of ${topic}: ${action}\n`)
    }),
  ]
  // Before the first handler can run: a signal that comes while they start counts, too.
  const forced = Promise.withResolvers<number>()
  let signalledAt: number | undefined
  let forcedStatus: number | undefined
  let isOver = false
  let running: RunningConsumers | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    // All is done, and something holds the process.
    if (isOver) process.exit()
    signalledAt ??= performance.now()
    // A terminal sends a signal to npm as well, which passes it on: the same one, twice at once.
    if (performance.now() - signalledAt > secondSignalMs) {
      const status = (forcedStatus ??= 128 + constants.signals[signal])
      setTimeout(() => forced.resolve(status), forcedMs).unref()
    }
    void running?.stop(forcedStatus === undefined ? {} : { timeoutMs: 0 })
  }
  const run = async (): Promise<number> => {
    try {
      running = await messaging.consumers.run(manifests)
      if (signalledAt !== undefined) void running.stop()
      await running.finished
    } finally {
      await messaging.close()
    }
    return unfinished === 0 ? 0 : (forcedStatus ?? 3)
  }
  for (const signal of signals) process.on(signal, onSignal)
  try {
    return await Promise.race([run(), forced.promise])
  } finally {
    isOver = true
    for (const stop of stops) stop()
    // A handler that was aborted may go on for ever, and the file may have opened what nobody closes.
    setTimeout(() => process.exit(), forcedStatus === undefined ? patienceMs : 0).unref()
  }
}
