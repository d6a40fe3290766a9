// What the person waiting sees: one line a step on stderr, and a log file with everything the tools said.

import { appendFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ALIVE_EVERY_MS = { terminal: 1_000, pipe: 10_000 }

/** A failure with a message meant for the person at the keyboard; shown without a stack trace. */
export class SetupError extends Error {}

/** @typedef {ReturnType<typeof createProgress>} Progress */

export function createProgress() {
  const logFile = join(tmpdir(), `postrider-setup-${process.pid}.log`)
  const terminal = process.stderr.isTTY

  return {
    logFile,

    /** @param {string} text */
    note(text) {
      process.stderr.write(`setup: ${text}\n`)
    },

    /** @param {string} text */
    log(text) {
      appendFileSync(logFile, text)
    },

    removeLog() {
      rmSync(logFile, { force: true })
    },

    /**
     * Runs one step. The step's result may carry a remark, printed behind its name.
     * @param {string} name
     * @param {() => Promise<string | void>} work
     */
    async step(name, work) {
      const startedAt = performance.now()
      const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1)
      const rewrite = terminal ? '\r\x1b[K' : ''
      const alive = () => process.stderr.write(`${rewrite}setup: ${name} ... ${seconds()} s${terminal ? '' : '\n'}`)
      if (terminal) alive()
      const timer = setInterval(alive, terminal ? ALIVE_EVERY_MS.terminal : ALIVE_EVERY_MS.pipe)
      try {
        const remark = await work()
        process.stderr.write(`${rewrite}setup: ${name}${remark ? ` (${remark})` : ''}, ${seconds()} s\n`)
      } catch (error) {
        process.stderr.write(`${rewrite}setup: ${name}: failed after ${seconds()} s\n`)
        throw error
      } finally {
        clearInterval(timer)
      }
    },
  }
}
