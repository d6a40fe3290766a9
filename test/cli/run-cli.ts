import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
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

/** Runs the command line as its user does, in a process of its own, from the root of the repository. */
export async function runCli(
  args: readonly string[],
  { input = '', endless = false, environment = {} }: CliSurroundings = {},
): Promise<CliRun> {
  const { POSTRIDER_BROKERS: _, ...inherited } = process.env
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
    cwd: root,
    env: { ...inherited, ...environment },
  })
  // A command that refuses its arguments is gone before it has read anything.
  child.stdin.on('error', () => undefined)
  if (endless) child.stdin.write(input)
  else child.stdin.end(input)
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ])
  return { status, stdout, stderr }
}
