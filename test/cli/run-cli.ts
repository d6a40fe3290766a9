import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface CliRun {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliSurroundings {
  readonly input?: string
  /** Standard input stays open after `input`, like that of a program that is followed. */
  readonly endless?: boolean
  readonly environment?: Record<string, string>
}

export interface RunningCli {
  /** Sends it a signal. */
  kill(signal: NodeJS.Signals): void
  /** Resolves with the first line of its standard output, whenever it came, that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  readonly end: Promise<CliRun>
}

/** Starts the command line as its user does, in a process of its own, from the root of the repository. */
export function startCli(
  args: readonly string[],
  { input = '', endless = false, environment = {} }: CliSurroundings = {},
): RunningCli {
  const { POSTRIDER_BROKERS: _, ...inherited } = process.env
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
    cwd: root,
    env: { ...inherited, ...environment },
  })
  // A command that refuses its arguments is gone before it has read anything.
  child.stdin.on('error', () => undefined)
  if (endless) child.stdin.write(input)
  else child.stdin.end(input)
  let stdout = ''
  let stderr = ''
  const looking = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    for (const look of looking) look()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const end = (once(child, 'close') as Promise<[number]>).then(([status]) => ({ status, stdout, stderr }))
  return {
    kill: (signal) => void child.kill(signal),
    end,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(stdout)
          if (found === null) return
          looking.delete(look)
          resolve(found)
        }
        looking.add(look)
        look()
        void end.then(() => reject(new Error(`ended without printing ${pattern}: ${stdout}${stderr}`)))
      }),
  }
}

/** Runs the command line until it ends. */
export function runCli(args: readonly string[], surroundings: CliSurroundings = {}): Promise<CliRun> {
  return startCli(args, surroundings).end
}
