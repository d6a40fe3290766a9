// npm run test:kafka [-- --brokers host:port] [arguments for vitest]
//
// Runs the integration tests against a Kafka of their own, or against one that already runs. The tests find it in the
// environment: KAFKA_BOOTSTRAP always; KAFKA_SASL_BOOTSTRAP, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_TLS_BOOTSTRAP
// and KAFKA_TLS_AUTHORITY_FILE only with a Kafka of their own.
import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { RUNNER_PIPE } from './end-with-runner.ts'
import { startKafka, type KafkaCluster } from './kafka-cluster.ts'

const SASL_USERNAME = 'postrider'
const SASL_PASSWORD = 'postrider-secret'

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const { brokers, vitestArguments } = readArguments(process.argv.slice(2))
let vitest: ChildProcess | undefined
let interruptedBy: 'SIGINT' | 'SIGTERM' | undefined

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Nothing to wait for yet, or somebody is in a hurry: a broker ends by itself when this process does.
    if (vitest === undefined || interruptedBy !== undefined) {
      vitest?.kill('SIGKILL')
      process.exit(exitCodeOf(signal))
    }
    interruptedBy = signal
    vitest.kill(signal)
  })
}

try {
  process.exitCode = await main()
} catch (error) {
  // What is missing and how to get it is in the message; a stack would only bury it.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main(): Promise<number> {
  if (brokers !== undefined) return runVitest({ KAFKA_BOOTSTRAP: brokers })
  const began = performance.now()
  await using kafka = await startKafka({ sasl: { users: { [SASL_USERNAME]: SASL_PASSWORD } }, tls: true })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  process.stderr.write(`Apache Kafka ${kafka.version} is up on ${kafka.bootstrap} after ${seconds} s\n`)
  // Awaited here: a returned promise would be waited for after Kafka is gone.
  return await runVitest(environmentFor(kafka))
}

function environmentFor(kafka: KafkaCluster): Record<string, string> {
  return {
    KAFKA_BOOTSTRAP: kafka.bootstrap,
    KAFKA_SASL_BOOTSTRAP: kafka.saslBootstrap ?? '',
    KAFKA_SASL_USERNAME: SASL_USERNAME,
    KAFKA_SASL_PASSWORD: SASL_PASSWORD,
    KAFKA_TLS_BOOTSTRAP: kafka.tlsBootstrap ?? '',
    KAFKA_TLS_AUTHORITY_FILE: kafka.tlsAuthorityFile ?? '',
  }
}

async function runVitest(environment: Record<string, string>): Promise<number> {
  const entry = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const args = [entry, 'run', '--config', 'vitest.integration.config.ts', ...vitestArguments]
  const running = spawn(process.execPath, args, {
    cwd: projectRoot,
    env: { ...process.env, ...environment, KAFKA_RUNNER_PIPE: String(RUNNER_PIPE) },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  })
  vitest = running
  return new Promise((resolve, reject) => {
    running.once('error', reject)
    running.once('exit', (code, signal) => {
      const endedBy = interruptedBy ?? signal
      resolve(endedBy === null ? (code ?? 1) : exitCodeOf(endedBy))
    })
  })
}

// The shell's convention for a process that a signal ended.
function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

function readArguments(args: string[]): { brokers: string | undefined; vitestArguments: string[] } {
  const rest = [...args]
  const at = rest.findIndex((argument) => argument === '--brokers' || argument.startsWith('--brokers='))
  if (at < 0) return { brokers: undefined, vitestArguments: rest }
  const [flag = '', separate] = rest.slice(at, at + 2)
  const joined = flag.includes('=') ? flag.slice('--brokers='.length) : undefined
  rest.splice(at, joined === undefined ? 2 : 1)
  const brokers = joined ?? separate
  if (!brokers?.includes(':')) throw new Error('--brokers needs host:port, or several separated by commas')
  return { brokers, vitestArguments: rest }
}
