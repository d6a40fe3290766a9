// Hands over to the command the set-up was made for: same terminal, same signals, same exit code.

import { spawn } from 'node:child_process'
import { environment } from './run-logged.mjs'

/**
 * @param {string} root
 * @param {string[]} command
 * @returns {Promise<void>}
 */
export function runCommand(root, command) {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: process.cwd(), env: environment(root), stdio: 'inherit' })

    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      // A terminal sends Ctrl-C to the whole foreground group; forwarding it would deliver it twice.
      if (process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')) return
      child.kill(signal)
    }
    for (const signal of signals) process.on(signal, forward)

    child.on('error', (error) => {
      process.stderr.write(`Could not start ${program}: ${error.message}\n`)
      process.exitCode = 127
      resolve()
    })
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward)
      if (signal) process.kill(process.pid, signal)
      else process.exitCode = code ?? 1
      resolve()
    })
  })
}
