import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import type { MessagingOptions } from '../config/fields.ts'
import { isMessagingError, MessagingError } from '../errors/messaging-error.ts'
import { manifestNameOf } from '../factory/producer-manifest.ts'
import { createMessaging } from '../messaging.ts'
import { InFlight } from './in-flight.ts'
import { loadManifest } from './load-manifest.ts'
import { readNdjson } from './ndjson.ts'

export const sendUsage = `postrider send --manifest ./messages.ts#OrderPlaced < events.ndjson

Sends each line of newline-delimited JSON as one payload of the manifest.

  --manifest FILE#CLASS     the class, as an application imports it (required)
  --input FILE              read this file instead of standard input
  --brokers HOST:PORT,…     in place of POSTRIDER_BROKERS
  --schema-registry URL     in place of POSTRIDER_SCHEMA_REGISTRY_URL
  --skip-invalid            report lines that cannot be sent and go on; without it the first one stops the reading

Everything else is configured by POSTRIDER_* variables (docs/configuration.md).
Exit status: 0 everything was acknowledged, 1 something was not, 2 wrong usage.
`

export interface CommandStreams {
  readonly stdin: Readable
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly environment: NodeJS.ProcessEnv
}

/** Lines on their way at a time: enough to keep batches full, little enough to stop soon after a failure. */
const maxInFlight = 10_000

export async function runSend(args: readonly string[], streams: CommandStreams): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      manifest: { type: 'string' },
      input: { type: 'string' },
      brokers: { type: 'string' },
      'schema-registry': { type: 'string' },
      'skip-invalid': { type: 'boolean', default: false },
    },
  })
  if (values.manifest === undefined)
    throw new MessagingError('INPUT_INVALID', { source: 'send', reason: '--manifest is missing' })
  const Manifest = await loadManifest(values.manifest)
  const options: MessagingOptions = {
    ...(values.brokers === undefined ? {} : { brokers: values.brokers.split(',') }),
    ...(values['schema-registry'] === undefined ? {} : { schemaRegistry: { url: values['schema-registry'] } }),
  }
  await using messaging = createMessaging(options, streams.environment)

  const source = values.input === undefined ? streams.stdin : await openInput(values.input)
  let acknowledged = 0
  let failed = 0
  let stopped = false
  const inFlight = new InFlight()
  const refuse = (line: number, reason: string): void => {
    failed++
    streams.stderr.write(`line ${line}: ${reason}\n`)
    if (values['skip-invalid']) return
    stopped = true
    // Not at the next line: a source that is followed may not have one for hours.
    source.destroy()
  }
  for await (const entry of untilDestroyed(readNdjson(source), source)) {
    if ('reason' in entry) refuse(entry.line, entry.reason)
    else {
      const sent = messaging.registry.send(Manifest, entry.value).then(
        () => void acknowledged++,
        (error: unknown) =>
          refuse(entry.line, isMessagingError(error) ? `${error.code}: ${error.message}` : String(error)),
      )
      inFlight.add(sent)
      await inFlight.downTo(maxInFlight)
    }
    if (stopped) break
  }
  await inFlight.downTo(0)
  const summary = `${manifestNameOf(Manifest)}: ${acknowledged} acknowledged, ${failed} failed`
  streams.stdout.write(stopped ? `${summary}; stopped at the first failure (--skip-invalid goes on)\n` : `${summary}\n`)
  return failed === 0 ? 0 : 1
}

async function openInput(path: string): Promise<Readable> {
  try {
    return (await open(path)).createReadStream()
  } catch (error) {
    const reason = `the file cannot be read (${(error as NodeJS.ErrnoException).code})`
    throw new MessagingError('INPUT_INVALID', { source: `--input ${path}`, reason }, { cause: error })
  }
}

/** A destroyed stream ends its iteration with an error; here it is only the end. */
async function* untilDestroyed<Item>(items: AsyncIterable<Item>, source: Readable): AsyncGenerator<Item> {
  try {
    yield* items
  } catch (error) {
    if (!source.destroyed) throw error
  }
}
