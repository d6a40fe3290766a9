// Step 2: the Node version the project is developed and tested with, from the npm package `node`.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from './progress.mjs'
import { environment, mustRun, runLogged } from './run-logged.mjs'
import { isStamped, versionOf, writeStamp } from './stamps.mjs'

/** @param {string} root */
export function pinnedNode(root) {
  return join(root, 'node_modules', 'node', 'bin', 'node')
}

/**
 * The folder with the pinned Node's own headers; native code compiled against another version's would not load.
 * @param {string} root
 */
export function pinnedNodeHeaders(root) {
  const packages = join(root, 'node_modules', 'node', 'node_modules')
  const holder = readdirSync(packages).find((name) => existsSync(join(packages, name, 'include', 'node', 'node.h')))
  if (!holder) throw new SetupError(`The pinned Node came without headers (looked in ${packages}).`)
  return join(packages, holder)
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
export async function installPinnedNode(root, progress) {
  if (isStamped(root, 'pinned-node')) return
  const version = versionOf(root, 'node')
  if (!(await runs(root, progress, version))) {
    await progress.step(`Node ${version}`, async () => {
      const what = `Installing Node ${version}`
      const remedy = 'check the network and the npm registry settings, then run the same command again.'
      // Explicit, because a user's npm config may switch install scripts off, and then this would do nothing.
      const env = environment(root, { npm_config_ignore_scripts: 'false', npm_config_prefer_offline: 'true' })
      await mustRun(progress, ['npm', 'rebuild', 'node'], { cwd: root, env, what, remedy })
      if (!(await runs(root, progress, version))) {
        throw new SetupError(`${what} left nothing that runs.\nFull log: ${progress.logFile}\nWhat to do: ${remedy}`)
      }
    })
  }
  writeStamp(root, 'pinned-node', ['node_modules/node/bin/node'])
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} version
 */
async function runs(root, progress, version) {
  if (!existsSync(pinnedNode(root))) return false
  const { code, output } = await runLogged(progress, [pinnedNode(root), '--version'], { cwd: root, env: process.env })
  return code === 0 && output.trim() === `v${version}`
}
