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

Everything else is configured by the file and by POSTRIDER_* variables (docs/configuration.md).
Exit status: 0 stopped by a signal, 1 could not start, failed or had to abort handlers, 2 wrong usage.
`

const variables = {
  brokers: 'POSTRIDER_BROKERS',
  'schema-registry': 'POSTRIDER_SCHEMA_REGISTRY_URL',
  group: 'POSTRIDER_CONSUMER_GROUP',
} as const
const signals = ['SIGTERM', 'SIGINT'] as const

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
  let signalledAt: number | undefined
  let running: RunningConsumers | undefined
  const onSignal = (): void => {
    // A terminal sends a signal to npm as well, which passes it on: the same one, twice at once.
    const isSecond = signalledAt !== undefined && performance.now() - signalledAt > 1_000
    signalledAt ??= performance.now()
    void running?.stop(isSecond ? { timeoutMs: 0 } : {})
  }
  for (const signal of signals) process.on(signal, onSignal)
  try {
    running = await messaging.consumers.run(manifests)
    if (signalledAt !== undefined) void running.stop()
    await running.finished
    return unfinished === 0 ? 0 : 1
  } finally {
    await messaging.close()
    for (const stop of stops) stop()
    for (const signal of signals) process.off(signal, onSignal)
  }
}
