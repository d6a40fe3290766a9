// Runs a tool with its output going to the log file: npm and compilers are noisy, and their noise matters only when they fail.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { SetupError } from './progress.mjs'

/**
 * @param {string} root
 * @param {Record<string, string>} [extra]
 */
export function environment(root, extra = {}) {
  return { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter), ...extra }
}

/**
 * Resolves with what the tool printed and its exit code; rejects only if it could not be run to its end.
 * The tool gets its own process group, so that a compiler's children end with it on a signal or a time-out.
 * @param {import('./progress.mjs').Progress} progress
 * @param {string[]} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, totalMs?: number, mustSay?: { text: string, withinMs: number } }} options
 *   mustSay: give up when this was not printed in time
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runLogged(progress, command, { cwd, env, totalMs, mustSay }) {
  const [program = '', ...args] = command
  progress.log(`\n$ ${command.join(' ')}\n`)
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''

    /** @param {NodeJS.Signals} signal */
    const endGroup = (signal) => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, signal)
      } catch {
        // The group is gone already.
      }
    }
    /** @param {NodeJS.Signals} signal */
    const onSignal = (signal) => {
      endGroup(signal)
      process.exit(128 + constants.signals[signal])
    }
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, onSignal)

    /** @param {string} reason */
    const giveUp = (reason) => {
      progress.log(`\ngave up: ${reason}\n`)
      output += `\n${reason}`
      endGroup('SIGKILL')
    }
    const total = totalMs && setTimeout(giveUp, totalMs, `not finished after ${totalMs / 1000} s`)
    const awaited =
      mustSay && setTimeout(giveUp, mustSay.withinMs, `no "${mustSay.text}" within ${mustSay.withinMs / 1000} s`)
    const settle = () => {
      clearTimeout(total)
      clearTimeout(awaited)
      for (const signal of signals) process.off(signal, onSignal)
    }

    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        progress.log(text)
        if (mustSay && output.includes(mustSay.text)) clearTimeout(awaited)
      })
    }
    child.on('error', (error) => {
      settle()
      reject(new SetupError(`Could not start ${program}: ${error.message}`))
    })
    child.on('close', (code) => {
      settle()
      resolve({ code: code ?? 1, output })
    })
  })
}

/**
 * As runLogged, but a non-zero exit is an error that says what failed, why, and where the log is.
 * @param {import('./progress.mjs').Progress} progress
 * @param {string[]} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, what: string, remedy: string }} options
 */
export async function mustRun(progress, command, { what, remedy, ...options }) {
  const { code, output } = await runLogged(progress, command, options)
  if (code === 0) return output
  const lastLines = output.trimEnd().split('\n').slice(-15).join('\n  ')
  throw new SetupError(
    [
      `${what} failed: \`${command.join(' ')}\` ended with code ${code}.`,
      `  ${lastLines}`,
      `Full log: ${progress.logFile}`,
      `What to do: ${remedy}`,
    ].join('\n'),
  )
}
