import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { RunJob } from './measure-run.ts'
import type { Figures } from './work-table.ts'

const program = fileURLToPath(new URL('run-child.ts', import.meta.url))

/** Measures in a new process. @throws Error with what it said, when it fails or takes longer than `timeoutMs` */
export function runJob(job: RunJob, timeoutMs: number): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = fork(program, [JSON.stringify(job)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let figures: Figures | undefined
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.on('message', (message) => (figures = message as Figures))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (figures !== undefined) return resolve(figures)
      const end = signal === null ? `exit code ${code}` : `not finished after ${timeoutMs / 1000} s`
      const reason = said.split('\n').find((line) => /^\w*Error\b|: /.test(line.trim())) ?? ''
      reject(new Error([end, reason.trim()].filter((text) => text !== '').join(': ')))
    })
  })
}
