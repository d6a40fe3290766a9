// Step 1: the packages package-lock.json names, without running any of their install scripts.
// The two packages that need theirs (see allowScripts in package.json) are installed by name in the next steps.

import { existsSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { join } from 'node:path'
import { environment, mustRun } from './run-logged.mjs'
import { isStamped, writeStamp } from './stamps.mjs'

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
export async function installDependencies(root, progress) {
  if (isStamped(root, 'dependencies')) return
  if (!matchesLock(root)) {
    await progress.step('locked dependencies', async () => {
      await mustRun(
        progress,
        [
          'npm',
          'ci',
          '--ignore-scripts',
          '--include=dev',
          '--include=optional',
          '--prefer-offline',
          '--no-audit',
          '--no-fund',
        ],
        {
          cwd: root,
          env: environment(root),
          what: 'Installing the locked dependencies',
          remedy: 'check the network and the npm registry settings, then run the same command again.',
        },
      )
    })
  }
  writeStamp(root, 'dependencies', [])
}

// After `npm install some-package` the folder is right already, and `npm ci` would delete it under whoever is using it.
// npm itself writes down what it installed; comparing that with the lock tells.
/** @param {string} root */
function matchesLock(root) {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const surplus = Object.keys(installed).some(
    (path) => !isDeepStrictEqual(identity(installed[path]), identity(locked[path])),
  )
  const missing = Object.keys(locked).some((path) => path !== '' && !locked[path].optional && !installed[path])
  return !surplus && !missing
}

/** @param {{ version: string, integrity: string } | undefined} entry */
function identity(entry) {
  return [entry?.version, entry?.integrity]
}
