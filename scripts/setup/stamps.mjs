// How a finished step is recognised next time without starting a process: small files inside node_modules, so that
// whoever deletes or replaces node_modules deletes them too.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const STEPS = /** @type {const} */ (['dependencies', 'pinned-node', 'native-driver'])

/** @typedef {typeof STEPS[number]} Step */

/** @param {string} root */
export function isSetUp(root) {
  return STEPS.every((step) => isStamped(root, step))
}

/**
 * A step is still good when nothing it was made from, and nothing it made, has changed.
 * @param {string} root
 * @param {Step} step
 */
export function isStamped(root, step) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile(root, step), 'utf8'))
    return (
      stamp.inputs === inputsOf(root, step) &&
      stamp.files.every(
        /** @param {{ path: string, size: number }} file */
        ({ path, size }) => statSync(join(root, path)).size === size,
      )
    )
  } catch {
    return false
  }
}

/**
 * @param {string} root
 * @param {Step} step
 * @param {string[]} files what the step made, relative to the checkout
 */
export function writeStamp(root, step, files) {
  const path = stampFile(root, step)
  mkdirSync(dirname(path), { recursive: true })
  const made = files.map((file) => ({ path: file, size: statSync(join(root, file)).size }))
  writeFileSync(path, JSON.stringify({ inputs: inputsOf(root, step), files: made }))
}

/**
 * @param {string} root
 * @param {Step} step
 */
function stampFile(root, step) {
  return join(root, 'node_modules', '.postrider-setup', `${step}.json`)
}

/**
 * @param {string} root
 * @param {Step} step
 */
function inputsOf(root, step) {
  // A checkout may be shared between a machine and a container of another platform.
  /** @type {string[]} */
  const inputs = [process.platform, process.arch]
  if (step === 'dependencies') inputs.push(fileHash(join(root, 'package-lock.json')))
  else inputs.push(versionOf(root, 'node'))
  if (step === 'native-driver') inputs.push(versionOf(root, '@confluentinc/kafka-javascript'))
  return inputs.join(' ')
}

/** @param {string} path */
function fileHash(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/**
 * @param {string} root
 * @param {string} packageName
 * @returns {string}
 */
export function versionOf(root, packageName) {
  return JSON.parse(readFileSync(join(root, 'node_modules', packageName, 'package.json'), 'utf8')).version
}
