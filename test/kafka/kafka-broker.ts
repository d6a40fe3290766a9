import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fetchClusterNodes } from './fetch-cluster-nodes.ts'
import type { KafkaDistribution } from './kafka-distribution.ts'

export type KafkaBroker = {
  nodeId: number
  host: string
  port: number
  logFile: string
  /** The process id while the broker runs. */
  readonly pid: number | undefined
  /** Starts it (again), on the same port with the same data; resolves when it answers clients. */
  start: () => Promise<void>
  /** Shuts it down in order: leadership moves first. */
  stop: () => Promise<void>
  /** Kills it as a crash would. */
  kill: () => Promise<void>
}

export type KafkaBrokerOptions = {
  distribution: KafkaDistribution
  /** Deleted by the broker itself when this process disappears. */
  clusterDirectory: string
  clusterId: string
  nodeId: number
  host: string
  port: number
  properties: Record<string, string | number | boolean>
  scramUsers: Record<string, string>
  javaOptions: string[]
}

/** A listener's port was taken by somebody else while the broker started. */
export class PortConflictError extends Error {}

const START_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 30_000

// Measured on 2 cores: 3.5 s to start with the JVM's defaults, 1.9 s with these. The optimizing compiler only pays off in
// brokers that live for minutes.
const JAVA_OPTIONS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** One broker process; nothing runs before `start`. */
export function createKafkaBroker(options: KafkaBrokerOptions): KafkaBroker {
  const { nodeId, host, port } = options
  const directory = join(options.clusterDirectory, `broker-${nodeId}`)
  const logFile = join(directory, 'broker.log')
  const outputFile = join(directory, 'output.log')
  const propertiesFile = join(directory, 'server.properties')
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    if (child !== undefined) throw new Error(`broker ${nodeId} is already running`)
    await mkdir(directory, { recursive: true })
    await writeFile(propertiesFile, formatProperties({ ...options.properties, 'log.dirs': join(directory, 'data') }))
    const output = openSync(outputFile, 'a')
    const started = spawn(options.distribution.java, javaArguments(), {
      // stdin: held open by this process and never written to, the broker ends when it closes.
      stdio: ['pipe', 'pipe', output],
      // A group of its own: Ctrl-C in a terminal must reach the parent only, which then decides about the order.
      detached: true,
    })
    closeSync(output)
    child = started
    const forget = (): void => {
      if (child === started) child = undefined
    }
    started.once('exit', forget)
    started.once('error', forget)
    try {
      const deadline = Date.now() + START_TIMEOUT_MS
      await saidStarted(started, deadline)
      await answersClients(started, deadline)
    } catch (error) {
      await kill()
      throw await describeFailure(error)
    }
  }

  function javaArguments(): string[] {
    const { distribution } = options
    const users = Object.entries(options.scramUsers).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-256=[name=${name},password=${password}]`,
    ])
    return [
      ...JAVA_OPTIONS,
      ...options.javaOptions,
      `-Dpostrider.log=${logFile}`,
      `-Dlog4j2.configurationFile=${distribution.log4jConfig}`,
      '-cp',
      distribution.classPath,
      'KafkaNode',
      propertiesFile,
      options.clusterId,
      options.clusterDirectory,
      ...users,
    ]
  }

  // The broker's own word comes first; it is given before the other brokers know of this one, so the metadata is asked too.
  async function answersClients(running: ChildProcess, deadline: number): Promise<void> {
    for (;;) {
      if (hasExited(running)) throw new Error('it ended while it started')
      const nodes = await fetchClusterNodes(host, port, 2000).catch((error: unknown): number[] => {
        if (Date.now() > deadline) throw error
        return []
      })
      if (nodes.includes(nodeId)) return
      if (Date.now() > deadline) throw new Error('it did not appear in its own metadata')
      await delay(20)
    }
  }

  async function describeFailure(error: unknown): Promise<Error> {
    const text = `${await readIfThere(logFile)}\n${await readIfThere(outputFile)}`.trim()
    const Failure = /Address already in use|BindException/.test(text) ? PortConflictError : Error
    const reason = error instanceof Error ? error.message : String(error)
    const tail = text.split('\n').slice(-30).join('\n')
    return new Failure(`Kafka broker ${nodeId} did not start: ${reason}. The end of its log:\n${tail}`, {
      cause: error,
    })
  }

  async function stop(): Promise<void> {
    await end('SIGTERM')
  }

  async function kill(): Promise<void> {
    await end('SIGKILL')
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const running = child
    if (running === undefined) return
    const exited = new Promise((resolve) => running.once('exit', resolve))
    if (hasExited(running)) return
    running.kill(signal)
    const giveUp = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(giveUp)
  }

  return {
    nodeId,
    host,
    port,
    logFile,
    get pid() {
      return child?.pid
    },
    start,
    stop,
    kill,
  }
}

async function saidStarted(broker: ChildProcess, deadline: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const timer = setTimeout(
      () => reject(new Error(`it was not up within ${START_TIMEOUT_MS / 1000} s`)),
      deadline - Date.now(),
    )
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      act()
    }
    broker.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
      if (said.includes('Kafka Server started')) settle(resolve)
    })
    broker.once('exit', (code, signal) => settle(() => reject(new Error(`it ended with ${signal ?? `code ${code}`}`))))
    broker.once('error', (error) => settle(() => reject(error)))
  })
}

async function readIfThere(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}

function hasExited(process: ChildProcess): boolean {
  return process.exitCode !== null || process.signalCode !== null
}

// A backslash is the one character of a value that a properties file would read differently.
function formatProperties(properties: Record<string, string | number | boolean>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('')
}
