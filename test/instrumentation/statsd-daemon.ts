import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../kafka/free-ports.ts'
import { waitUntil } from '../kafka/wait-until.ts'

export interface StatsdDaemon extends AsyncDisposable {
  readonly udpPort: number
  readonly tcpPort: number
  readonly socketPath: string
  /** What arrived so far; the daemon does not flush before 12 days: by name, tags appended as `;tag=value`. */
  counters(): Promise<Record<string, number>>
  gauges(): Promise<Record<string, number>>
  /** How many values of a timer arrived; it shows the first hundred. */
  timer(name: string): Promise<{ readonly count: number; readonly values: readonly number[] }>
}

const daemonPath = fileURLToPath(import.meta.resolve('statsd/stats.js'))

/** The original daemon in a process of its own, listening on UDP, TCP and a Unix stream socket. */
export async function startStatsdDaemon(): Promise<StatsdDaemon> {
  const [tcpPort, managementPort] = (await freePorts(2)) as [number, number]
  const udpPort = await freeUdpPort()
  const directory = mkdtempSync(join(tmpdir(), 'statsd-'))
  const socketPath = join(directory, 'statsd.sock')
  const configPath = join(directory, 'config.js')
  const address = '127.0.0.1'
  const servers = [
    { server: './servers/udp', address, port: udpPort },
    { server: './servers/tcp', address, port: tcpPort },
    { server: './servers/tcp', socket: socketPath },
  ]
  const config = { servers, mgmt_address: address, mgmt_port: managementPort, backends: [], flushInterval: 2 ** 30 }
  writeFileSync(configPath, `(${JSON.stringify(config)})`)
  // The daemon still calls util.log, which Node 24 no longer has.
  const preload = join(directory, 'preload.cjs')
  writeFileSync(preload, `require('node:util').log ??= () => {}`)
  const daemon = spawn(process.execPath, ['--require', preload, daemonPath, configPath], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(daemon, 'exit')

  const ask = async (command: string): Promise<string> => {
    const socket = connect(managementPort, address)
    socket.setEncoding('utf8')
    try {
      await once(socket, 'connect')
      socket.write(command)
      let answer = ''
      for await (const chunk of socket) {
        answer += chunk as string
        if (answer.endsWith('END\n\n')) return answer
      }
      throw new Error(`statsd hung up after ${answer}`)
    } finally {
      socket.destroy()
    }
  }
  const numbers = async (command: string): Promise<Record<string, number>> =>
    Object.fromEntries(
      Array.from((await ask(command)).matchAll(/'([^']+)': ([\d.]+)/g), ([, name, value]) => [name!, Number(value)]),
    )

  await waitUntil('statsd answers', async () => {
    if (daemon.exitCode !== null) throw new Error(`statsd ended with ${daemon.exitCode}`)
    return ask('counters').then(
      () => true,
      () => false,
    )
  })
  return {
    udpPort,
    tcpPort,
    socketPath,
    counters: () => numbers('counters'),
    gauges: () => numbers('gauges'),
    async timer(name) {
      const shown = (await ask('timers')).split(`'${name}': [`)[1]?.split(']')[0] ?? ''
      const values = Array.from(shown.matchAll(/([\d.]+)(?=,|\s*$)/g), ([, value]) => Number(value))
      const more = Number(/(\d+) more item/.exec(shown)?.[1] ?? 0)
      return { count: values.length + more, values }
    },
    async [Symbol.asyncDispose]() {
      daemon.kill('SIGKILL')
      await ended
      rmSync(directory, { recursive: true })
    },
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}
