// Step 3: the native part of @confluentinc/kafka-javascript. From the fastest source to the slowest: in place already, the local
// cache, the package's own download, a compilation. Each is believed only once the pinned Node has loaded the driver.

import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { compileDriver, downloadDriver, stripSymbols } from './native-build.mjs'
import { cacheKey, cacheRoot, dropEntry, readEntry, writeEntry, writeFiles } from './native-cache.mjs'
import { pinnedNode } from './pinned-node.mjs'
import { SetupError } from './progress.mjs'
import { runLogged } from './run-logged.mjs'
import { isStamped, versionOf, writeStamp } from './stamps.mjs'

const DRIVER = 'node_modules/@confluentinc/kafka-javascript'
// What a dynamic build needs at run time; a static one is the .node file alone.
const RUNTIME_FILES = [
  { folder: 'build/Release', name: /\.node$/ },
  { folder: 'build/deps', name: /^librdkafka(\+\+)?(\.so\.\d+|\.\d+\.dylib)$/ },
]

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
export async function installDriver(root, progress) {
  if (isStamped(root, 'native-driver')) return
  const driver = join(root, DRIVER)
  const version = versionOf(root, '@confluentinc/kafka-javascript')
  const cache = cacheRoot(process.env, homedir())
  const key = cacheKey({ driver: version, ...(await describeTarget(root, progress)) })

  const installed =
    (await inPlace(root, progress)) ||
    (await restored(root, progress, cache, key)) ||
    (await downloaded(root, progress, version)) ||
    (await compiled(root, progress, version))
  // Only what was made here: nobody knows how a driver that was in place before was built.
  if (installed === 'built') keepInCache(driver, progress, cache, key)
  writeStamp(
    root,
    'native-driver',
    runtimeFiles(driver).map((path) => join(DRIVER, path)),
  )
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
async function inPlace(root, progress) {
  if (runtimeFiles(join(root, DRIVER)).length === 0) return false
  const { loaded } = await load(root, progress)
  return loaded ? 'in place' : false
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} cache
 * @param {string} key
 */
async function restored(root, progress, cache, key) {
  const entry = readEntry(cache, key)
  if (entry.state === 'absent') return false
  if (entry.state === 'refused') {
    progress.note(`the cached Kafka driver is damaged and will be replaced: ${entry.reason} (${join(cache, key)})`)
    dropEntry(cache, key)
    return false
  }
  let loaded = false
  await progress.step('Kafka driver from the local cache', async () => {
    clearBuild(root)
    writeFiles(join(root, DRIVER), entry.files)
    const result = await load(root, progress)
    loaded = result.loaded
    return result.loaded ? `librdkafka ${result.detail}` : `does not load: ${result.detail}`
  })
  if (loaded) return 'restored'
  dropEntry(cache, key)
  return false
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} version
 */
async function downloaded(root, progress, version) {
  let loaded = false
  await progress.step(`Kafka driver ${version}, prebuilt`, async () => {
    clearBuild(root)
    const failure = await downloadDriver(root, progress)
    if (failure) return `not available: ${failure}`
    const result = await load(root, progress)
    loaded = result.loaded
    return result.loaded ? `librdkafka ${result.detail}` : `does not load: ${result.detail}`
  })
  return loaded ? 'built' : false
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} version
 */
async function compiled(root, progress, version) {
  clearBuild(root)
  await compileDriver(root, progress, version)
  const driver = join(root, DRIVER)
  const files = runtimeFiles(driver)
  await stripSymbols(driver, progress, files)
  // What runs here is exactly what the cache will hold: the few files without the compiler's by-products.
  const kept = readFiles(driver, files)
  clearBuild(root)
  writeFiles(driver, kept)
  const { loaded, detail } = await load(root, progress)
  if (!loaded) {
    throw new SetupError(
      `The compiled Kafka driver does not load: ${detail}\nFull log: ${progress.logFile}\n` +
        'What to do: delete node_modules and run the same command again; if it fails the same way, the log says what is missing.',
    )
  }
  progress.note(`Kafka driver ready (librdkafka ${detail})`)
  return 'built'
}

/**
 * @param {string} driver
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} cache
 * @param {string} key
 */
function keepInCache(driver, progress, cache, key) {
  try {
    writeEntry(cache, key, readFiles(driver, runtimeFiles(driver)))
  } catch (error) {
    // A cache that cannot be written costs time in the next checkout, nothing in this one.
    progress.note(`the Kafka driver could not be kept in ${cache}: ${String(error)}`)
  }
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
async function load(root, progress) {
  const script = "process.stdout.write(require('@confluentinc/kafka-javascript').librdkafkaVersion)"
  const { code, output } = await runLogged(progress, [pinnedNode(root), '-e', script], { cwd: root, env: process.env })
  const errorLine = output.split('\n').find((line) => /^\w*Error\b/.test(line))
  return { loaded: code === 0, detail: code === 0 ? output.split('\n').at(-1) : (errorLine ?? `exit code ${code}`) }
}

/**
 * Asked of the pinned Node, not of the one that runs this script.
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
async function describeTarget(root, progress) {
  const script = `
    const { glibcVersionRuntime } = process.report.getReport().header
    const libc = process.platform !== 'linux' ? 'system' : glibcVersionRuntime ? 'glibc-' + glibcVersionRuntime : 'musl'
    console.log(JSON.stringify({ abi: process.versions.modules, platform: process.platform, arch: process.arch, libc }))`
  const { output } = await runLogged(progress, [pinnedNode(root), '-e', script], { cwd: root, env: process.env })
  return JSON.parse(output)
}

/** @param {string} root */
function clearBuild(root) {
  rmSync(join(root, DRIVER, 'build'), { recursive: true, force: true })
}

/** @param {string} driver */
function runtimeFiles(driver) {
  return RUNTIME_FILES.flatMap(({ folder, name }) => {
    if (!existsSync(join(driver, folder))) return []
    const names = readdirSync(join(driver, folder)).filter((file) => name.test(file))
    return names.map((file) => `${folder}/${file}`).filter((path) => lstatSync(join(driver, path)).isFile())
  })
}

/**
 * @param {string} driver
 * @param {string[]} paths
 */
function readFiles(driver, paths) {
  return paths.map((path) => ({ path, bytes: readFileSync(join(driver, path)) }))
}
