// Two set-ups in one checkout would write the same node_modules; the second one waits.
// The lock is a file outside node_modules, because `npm ci` deletes that folder. It holds the owner's process id.

import { createHash } from 'node:crypto'
import { linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from './error-code.mjs'
import { SetupError } from './progress.mjs'

const RETRY_MS = 200
const GIVE_UP_MS = 20 * 60_000

/**
 * @param {string} root
 * @param {Pick<import('./progress.mjs').Progress, 'note'>} progress
 * @param {() => Promise<void>} work
 */
export async function withSetupLock(root, progress, work) {
  const lockFile = setupLockFile(root)
  await acquire(lockFile, progress)
  const release = () => rmSync(lockFile, { force: true })
  process.once('exit', release)
  try {
    await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

/** @param {string} root */
export function setupLockFile(root) {
  const checkout = createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 16)
  return join(tmpdir(), `postrider-setup-${checkout}.lock`)
}

/**
 * @param {string} lockFile
 * @param {Pick<import('./progress.mjs').Progress, 'note'>} progress
 */
async function acquire(lockFile, progress) {
  const giveUpAt = Date.now() + GIVE_UP_MS
  let announced = false
  while (!tryLink(lockFile)) {
    const owner = ownerOf(lockFile)
    if (owner === undefined) continue
    if (!isAlive(owner)) {
      removeStale(lockFile, owner)
      continue
    }
    if (!announced) progress.note(`waiting for another set-up in this checkout (process ${owner})`)
    announced = true
    if (Date.now() > giveUpAt) {
      throw new SetupError(
        `Process ${owner} has held the set-up lock for too long. If it is no set-up, delete ${lockFile}`,
      )
    }
    await sleep(RETRY_MS)
  }
}

// A link appears with its content in place; creating and then filling the file would show an empty owner for a moment.
/** @param {string} lockFile */
function tryLink(lockFile) {
  const mine = `${lockFile}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    linkSync(mine, lockFile)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    rmSync(mine, { force: true })
  }
}

/** @param {string} lockFile */
function ownerOf(lockFile) {
  try {
    return Number(readFileSync(lockFile, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

// Two waiters may see the same dead owner: the first removes its lock and takes a new one, and the second must not remove that.
// So the lock is moved aside first, and put back when it turns out to be another's.
/**
 * @param {string} lockFile
 * @param {number} deadOwner
 */
function removeStale(lockFile, deadOwner) {
  const aside = `${lockFile}.stale.${process.pid}`
  try {
    renameSync(lockFile, aside)
    if (ownerOf(aside) !== deadOwner) linkSync(aside, lockFile)
  } catch {
    // Another waiter was faster.
  }
  rmSync(aside, { force: true })
}
