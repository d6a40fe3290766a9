import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProgram {
  readonly child: ChildProcess
  /** Resolves when the program has printed `text`. */
  printed(text: string): Promise<void>
  /** Resolves when it prints `text` from now on. */
  printsAgain(text: string): Promise<void>
  readonly end: Promise<ProgramEnd>
}

/** Starts a file of ./programs, or another one, in a process of its own. */
export function startProgram(name: string | URL, ...args: readonly string[]): RunningProgram {
  const file = fileURLToPath(typeof name === 'string' ? new URL(`programs/${name}.ts`, import.meta.url) : name)
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  let onOutput: (() => void) | undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onOutput?.()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const end = new Promise<ProgramEnd>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const printedFrom = (start: number, text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      onOutput = () => {
        if (stdout.includes(text, start)) resolve()
      }
      onOutput()
      void end.then(() => reject(new Error(`ended without printing ${text}: ${stderr}`)))
    })
  return {
    child,
    printed: (text) => printedFrom(0, text),
    printsAgain: (text) => printedFrom(stdout.length, text),
    end,
  }
}

/** What a program that prints JSON has printed. @throws Error with its complaints when it fails */
export async function runProgram<Result>(name: string, ...args: readonly string[]): Promise<Result> {
  const { code, signal, stdout, stderr } = await startProgram(name, ...args).end
  if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}: ${stderr}`)
  return JSON.parse(stdout) as Result
}
