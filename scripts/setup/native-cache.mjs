// Compiled drivers kept outside the checkout, so that only the first checkout on a machine compiles.
//
// <cache>/<key>/manifest.json   { key, files: [{ path, sha256 }] }
// <cache>/<key>/<path>          the files, by their path in the driver package
//
// An entry is used only when every byte matches its manifest. That catches a broken disk or an interrupted copy; it does not
// protect from someone who may write to the cache and would write the manifest too.

import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { errorCode } from './error-code.mjs'

/**
 * @typedef {{ driver: string, abi: string, platform: string, arch: string, libc: string }} Target
 *   libc: family and version, such as `glibc-2.36`: what was linked against a newer one does not load with an older one
 * @typedef {{ path: string, bytes: Buffer }} CachedFile
 * @typedef {{ key: string, files: { path: string, sha256: string }[] }} Manifest
 * @typedef {{ state: 'found', files: CachedFile[] } | { state: 'absent' } | { state: 'refused', reason: string }} Lookup
 */

/** @param {Target} target */
export function cacheKey({ driver, abi, platform, arch, libc }) {
  return `kafka-javascript-${driver}_abi-${abi}_${platform}-${arch}_${libc}`
}

/** @param {NodeJS.ProcessEnv} env */
export function cacheRoot(env, home = env['HOME'] ?? '') {
  return env['POSTRIDER_NATIVE_CACHE'] || join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'postrider', 'native')
}

/**
 * @param {string} root
 * @param {string} key
 * @param {{ use: (files: CachedFile[]) => Promise<boolean>, build: () => Promise<CachedFile[]>, report: (text: string) => void }} steps
 *   use: put an intact entry to work; false when it does not work after all, and is to be built again
 */
export async function restoreOrBuild(root, key, { use, build, report }) {
  const entry = readEntry(root, key)
  if (entry.state === 'found' && (await use(entry.files))) return
  if (entry.state === 'refused') report(`damaged and to be replaced: ${entry.reason} (in ${join(root, key)})`)
  if (entry.state !== 'absent') dropEntry(root, key)
  const files = await build()
  try {
    writeEntry(root, key, files)
  } catch (error) {
    // A cache that cannot be written costs time in the next checkout, nothing in this one.
    report(`could not be written: ${String(error)}`)
  }
}

/**
 * The bytes that were checked are the bytes returned: nothing is read a second time after the check.
 * @param {string} root
 * @param {string} key
 * @returns {Lookup}
 */
export function readEntry(root, key) {
  const entry = join(root, key)
  if (!existsSync(entry)) return { state: 'absent' }
  try {
    const files = readManifest(entry, key).files.map(({ path, sha256 }) => {
      const bytes = readFileSync(join(entry, path))
      if (sha256Of(bytes) !== sha256) throw new Error(`${path} does not match its SHA-256`)
      return { path, bytes }
    })
    return { state: 'found', files }
  } catch (error) {
    return { state: 'refused', reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Adds an entry, or replaces a broken one. The entry appears as a whole or not at all, and of two writers at the same time
 * the first one's stays.
 * @param {string} root
 * @param {string} key
 * @param {CachedFile[]} files
 */
export function writeEntry(root, key, files) {
  const entry = join(root, key)
  const draft = join(root, `.${key}.${randomUUID()}`)
  /** @type {Manifest} */
  const manifest = { key, files: files.map(({ path, bytes }) => ({ path, sha256: sha256Of(bytes) })) }
  mkdirSync(root, { recursive: true, mode: 0o700 })
  try {
    writeFiles(draft, files)
    writeFileSync(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    while (!tryRename(draft, entry)) {
      if (readEntry(root, key).state === 'found') return
      dropEntry(root, key)
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/**
 * Moved aside first: a reader sees the entry or none, never half of one.
 * @param {string} root
 * @param {string} key
 */
export function dropEntry(root, key) {
  const aside = join(root, `.${key}.${randomUUID()}`)
  if (tryRename(join(root, key), aside)) rmSync(aside, { recursive: true, force: true })
}

/**
 * @param {string} folder
 * @param {CachedFile[]} files
 */
export function writeFiles(folder, files) {
  for (const { path, bytes } of files) {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    // A loaded library must not be overwritten in place: the process that has it mapped would crash. A new file is safe.
    rmSync(target, { force: true })
    writeFileSync(target, bytes, { mode: 0o755 })
  }
}

/**
 * @param {string} entry
 * @param {string} key
 * @returns {Manifest}
 */
function readManifest(entry, key) {
  const manifest = JSON.parse(readFileSync(join(entry, 'manifest.json'), 'utf8'))
  if (manifest.key !== key) throw new Error(`manifest.json is for ${manifest.key}`)
  if (!Array.isArray(manifest.files) || manifest.files.length === 0) throw new Error('manifest.json lists no files')
  for (const { path } of manifest.files) {
    if (normalize(path) !== path || !path.startsWith('build/'))
      throw new Error(`manifest.json names ${path}, outside build/`)
  }
  return manifest
}

/** @param {Buffer} bytes */
function sha256Of(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * @param {string} from
 * @param {string} to
 */
function tryRename(from, to) {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    const code = errorCode(error)
    // ENOTEMPTY, EEXIST: the target is there. ENOENT: another process moved the source away.
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return false
    throw error
  }
}
