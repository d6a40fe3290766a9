import { randomUUID } from 'node:crypto'
import { createHistogram } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { createMessaging, isMessagingError, subscribe, type DeliveryReport, type Messaging } from '../src/index.ts'
import { InFlight } from '../src/cli/in-flight.ts'
import { createContentReader } from './content.ts'
import { chooseInput, type DemoInput } from './input.ts'
import { createProgress } from './progress.ts'
import { traceProcess } from './traces.ts'
import { Verifier } from './verifier.ts'

const usage = `npm run demo -- [OPTIONS]

Publishes real input through the SDK, reads it back and compares every record.
Without options: this repository's git history, to a mock cluster inside the process.

  --input FILE          newline-delimited JSON; "-" is standard input
  --manifest FILE#CLASS the manifest for --input; without it every JSON object is an EventRecorded
  --brokers HOST:PORT,… a real Kafka instead of the mock cluster
  --schema-registry URL default "memory:", one inside the process
  --repeat N            publish the input N times (default 1)
  --skip-invalid        report lines that cannot be sent and go on
`

/** The mock cluster keeps only the newest 5 MB of a partition, so what is not verified yet is kept well below that. */
const maxUnverified = { records: 10_000, bytes: 2 * 1024 * 1024 }
/** Longer than a broker takes to elect a leader; a demo with nothing arriving for so long has lost something. */
const readBackPatienceMs = 30_000

interface Options {
  readonly input: DemoInput
  readonly brokers: readonly string[] | undefined
  readonly schemaRegistry: string
  readonly repeat: number
  readonly skipInvalid: boolean
}

async function readOptions(): Promise<Options> {
  const { values } = parseArgs({
    options: {
      input: { type: 'string' },
      manifest: { type: 'string' },
      brokers: { type: 'string' },
      'schema-registry': { type: 'string', default: 'memory:' },
      repeat: { type: 'string', default: '1' },
      'skip-invalid': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const repeat = Number(values.repeat)
  if (!Number.isInteger(repeat) || repeat < 1)
    throw new Error(`--repeat takes a whole number from 1, not ${values.repeat}`)
  if (repeat > 1 && values.input === '-')
    throw new Error('--repeat needs an input that can be read again, not standard input')
  return {
    input: await chooseInput(values.input, values.manifest),
    brokers: values.brokers?.split(','),
    schemaRegistry: values['schema-registry'],
    repeat,
    skipInvalid: values['skip-invalid'],
  }
}

function print(label: string, text: string): void {
  process.stdout.write(`${label.padEnd(11)} ${text}\n`)
}

/** Configures an instance and shows that this alone has left the process as it was. */
function declare(options: Options, topicPrefix: string): Messaging {
  const before = traceProcess()
  const messaging = createMessaging({
    clientId: 'postrider-demo',
    topicPrefix,
    schemaRegistry: { url: options.schemaRegistry },
    ...(options.brokers === undefined ? {} : { brokers: options.brokers, producer: { createTopic: 'if-missing' } }),
  })
  const { name } = options.input.Manifest
  const after = traceProcess()
  print('input', options.input.description + (options.repeat > 1 ? `, ${options.repeat} times` : ''))
  print('declared', `${name}; topic prefix ${topicPrefix}`)
  const opened = after.handles.length - before.handles.length + (after.threads ?? 0) - (before.threads ?? 0)
  print(
    'built',
    `nothing: native library ${after.nativeLibrary ? 'LOADED' : 'not loaded'}, ${opened} threads or handles opened, ${messaging.registry.status().clients.length} clients`,
  )
  if (after.nativeLibrary || opened > 0) throw new Error('Declaring and configuring must not touch the process.')
  return messaging
}

async function main(): Promise<number> {
  const options = await readOptions()
  const { input, repeat } = options
  const startedAt = performance.now()
  await using messaging = declare(options, `demo-${randomUUID().slice(0, 8)}.`)
  const since = (): string => `${(performance.now() - startedAt).toFixed(0)} ms`

  // Only from here on is the native library in the process, because the mock cluster is part of it.
  const { startMockCluster } = await import('../src/testing/mock-cluster.ts')
  const { deleteTopic, readTopic } = await import('./read-back.ts')
  await using mock = options.brokers === undefined ? await startMockCluster() : undefined
  const brokers = options.brokers ?? mock!.brokers
  if (mock) messaging.configure({ brokers })
  print('brokers', `${brokers.join(', ')}${mock ? ' (mock cluster in this process)' : ''}`)

  subscribe('producer.built', ({ manifest, topic, driver, durationMs }) => {
    print(
      'built',
      `at ${since()}, by the first send: ${manifest} -> ${topic} on ${driver}, in ${durationMs.toFixed(0)} ms`,
    )
  })
  const latencies = createHistogram()
  subscribe('message.acknowledged', ({ durationMs }) => latencies.record(Math.max(1, Math.round(durationMs * 1000))))

  const content = await createContentReader(input)
  const verifier = new Verifier()
  const progress = createProgress()
  const total = input.total === undefined ? undefined : input.total * repeat
  let sequence = 0
  let acknowledged = 0
  let failed = 0
  let invalid = 0
  let bytes = 0
  let stopped = false
  let firstSentAt = 0
  let lastAcknowledgedAt = 0
  let reader: Awaited<ReturnType<typeof readTopic>> | undefined
  let topic = ''

  const refuse = (where: string, reason: string): void => {
    invalid++
    process.stderr.write(`${where}: ${reason}\n`)
    stopped ||= !options.skipInvalid
  }
  const publish = (payload: unknown, where: string): Promise<void> => {
    const number = sequence++
    const expected = content.describe(payload)
    if ('error' in expected) {
      refuse(where, expected.error)
      return Promise.resolve()
    }
    verifier.expect(expected.key, number, expected.content)
    bytes += expected.bytes
    const onReport = (report: DeliveryReport): void => {
      acknowledged++
      topic = report.topic
      lastAcknowledgedAt = performance.now()
    }
    const onError = (error: unknown): void => {
      verifier.forget(expected.key, number)
      bytes -= expected.bytes
      if (isMessagingError(error) && error.outcome === 'not_sent' && error.code !== 'QUEUE_FULL')
        refuse(where, `${error.code}: ${error.message}`)
      else {
        failed++
        if (failed <= 3) process.stderr.write(`${where}: ${(error as Error).message}\n`)
      }
      stopped ||= isMessagingError(error, 'BROKERS_UNREACHABLE', 'AUTHENTICATION_FAILED', 'TOPIC_NOT_FOUND')
    }
    return messaging.registry
      .send(input.Manifest, payload as never, { headers: { sequence: String(number) } })
      .then(onReport, onError)
  }

  const inFlight = new InFlight()
  for (let round = 0; round < repeat && !stopped; round++) {
    for await (const entry of input.read()) {
      const where = 'line' in entry ? `line ${entry.line}` : `record ${sequence + 1}`
      if ('reason' in entry) refuse(where, entry.reason)
      else {
        if (sequence === 0) firstSentAt = performance.now()
        const sent = publish(entry.payload, where)
        // The first send creates the topic that the reader then follows.
        if (!reader) {
          await sent
          if (acknowledged > 0) {
            reader = await readTopic(brokers, topic, async (record) => {
              const { key, sequence: found, text } = await content.read(record)
              verifier.receive(key, found, text)
              progress.update(verifier.verified, total)
            })
          }
        } else inFlight.add(sent)
        while (verifier.outstanding > maxUnverified.records || verifier.outstandingBytes > maxUnverified.bytes) {
          await verifier.progress()
        }
        // Reading back can be faster than the acknowledgements come in; they must not pile up either.
        await inFlight.downTo(maxUnverified.records)
      }
      if (stopped) break
    }
  }
  await inFlight.downTo(0)
  if (reader) await verifier.drain(readBackPatienceMs)
  const stored = (await reader?.highWatermarks()) ?? 0
  await reader?.close()
  progress.end()
  await messaging.close()
  if (options.brokers !== undefined && topic !== '') await deleteTopic(brokers, topic)

  const seconds = Math.max(0.001, (lastAcknowledgedAt - firstSentAt) / 1000)
  // A record that is in the log and was never expected, or was stored twice, shows in the log's length.
  const extra = Math.max(verifier.duplicated, stored - acknowledged)
  const missing = verifier.outstanding
  const wrong = missing + extra + verifier.reordered + verifier.different
  printTable([
    ['topic', topic || '(nothing was sent)'],
    ['records acknowledged', acknowledged.toLocaleString('en')],
    ['bytes of values', bytes.toLocaleString('en')],
    ['throughput', `${Math.round(acknowledged / seconds).toLocaleString('en')} records/s, with reading back alongside`],
    [
      'acknowledged after',
      `p50 ${(latencies.percentile(50) / 1000).toFixed(2)} ms, p99 ${(latencies.percentile(99) / 1000).toFixed(2)} ms`,
    ],
    ['read back and equal', verifier.verified.toLocaleString('en')],
    ['missing', String(missing)],
    ['duplicated', String(extra)],
    ['reordered in a key', String(verifier.reordered)],
    ['different', String(verifier.different)],
    ['failed sends', String(failed)],
    [
      'invalid lines',
      invalid === 0 ? '0' : `${invalid}${stopped ? ' (stopped at the first; --skip-invalid goes on)' : ' (skipped)'}`,
    ],
    ['peak memory', `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`],
  ])
  const succeeded = wrong === 0 && failed === 0 && !stopped && verifier.verified === acknowledged
  process.stdout.write(
    succeeded ? 'Every record arrived once, in order and unchanged.\n' : 'NOT as it should be: see the table.\n',
  )
  return succeeded ? 0 : 1
}

function printTable(rows: readonly (readonly [label: string, value: string])[]): void {
  const width = Math.max(...rows.map(([label]) => label.length))
  const line = '-'.repeat(width + 2 + Math.max(...rows.map(([, value]) => value.length)))
  process.stdout.write([line, ...rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`), line, ''].join('\n'))
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  return 2
})
