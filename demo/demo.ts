// npm run demo: publishes real input through the SDK and proves that it arrived. `--help` lists the options.

import { randomUUID } from 'node:crypto'
import { manifestNameOf } from '../src/factory/producer-manifest.ts'
import { createMessaging, subscribe, type Messaging } from '../src/index.ts'
import { readOptions, type Options } from './options.ts'
import { traceProcess } from './traces.ts'

function print(label: string, text: string): void {
  process.stdout.write(`${label.padEnd(9)} ${text}\n`)
}

/** Configures an instance and shows that this alone has left the process as it was. */
function declare({ input, repeat, brokers, schemaRegistry }: Options): Messaging {
  const topicPrefix = `demo-${randomUUID().slice(0, 8)}.`
  const before = traceProcess()
  const messaging = createMessaging({
    clientId: 'postrider-demo',
    topicPrefix,
    schemaRegistry: { url: schemaRegistry, autoRegister: 'always' },
    ...(brokers === undefined ? {} : { brokers, producer: { createTopic: 'if-missing' } }),
  })
  const after = traceProcess()
  const opened = after.handles.length - before.handles.length + (after.threads ?? 0) - (before.threads ?? 0)
  const library = after.nativeLibrary ? 'loaded' : 'not loaded'
  print('input', `${input.description}${repeat > 1 ? `, ${repeat} times` : ''}`)
  print('declared', `${manifestNameOf(input.Manifest)}, topic prefix ${topicPrefix}`)
  print('built', `nothing: native library ${library}, ${opened} threads or handles opened`)
  if (after.nativeLibrary || opened > 0) throw new Error('Declaring and configuring must leave the process as it was.')
  return messaging
}

async function main(): Promise<boolean> {
  const options = await readOptions()
  const startedAt = performance.now()
  await using messaging = declare(options)

  // Imported only here, since the mock cluster and the reader bring the native library into the process.
  const { startMockCluster } = await import('../src/testing/mock-cluster.ts')
  const { publishAndVerify } = await import('./publish.ts')
  const { deleteTopic } = await import('./delete-topic.ts')
  const { reportTally } = await import('./report.ts')

  await using mock = options.brokers === undefined ? await startMockCluster() : undefined
  const brokers = options.brokers ?? mock!.brokers
  if (mock) messaging.configure({ brokers })
  print('brokers', `${brokers.join(', ')}${mock ? ' (mock cluster in this process)' : ''}`)
  subscribe('producer.built', ({ manifest, topic, driver, durationMs }) => {
    const at = `${(performance.now() - startedAt).toFixed(0)} ms after the start`
    print('built', `by the first send, ${at}, in ${durationMs.toFixed(0)} ms: ${manifest} -> ${topic} (${driver})`)
  })

  const tally = await publishAndVerify(messaging, brokers, options)
  await messaging.close()
  if (!mock && tally.topic !== '') await deleteTopic(brokers, tally.topic)
  return reportTally(tally)
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
