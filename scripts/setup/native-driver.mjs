// Step 3: the native part of @confluentinc/kafka-javascript. From the fastest source to the slowest: in place already, the local
// cache, the package's own download, a compilation. Each is believed only once the pinned Node has loaded the driver.

import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { compileDriver, downloadDriver, stripSymbols } from './native-build.mjs'
import { cacheKey, cacheRoot, restoreOrBuild, writeFiles } from './native-cache.mjs'
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

  const inPlace = runtimeFiles(driver).length > 0 && (await load(root, progress)).loaded
  // What is in place is not copied to the cache: nobody knows how it was built.
  if (!inPlace) {
    const key = cacheKey({ driver: version, ...(await describeTarget(root, progress)) })
    await restoreOrBuild(cacheRoot(process.env, homedir()), key, {
      use: (files) => tryFiles(root, progress, files),
      build: async () => {
        if (!(await tryDownload(root, progress, version))) await compile(root, progress, version)
        return readFiles(driver, runtimeFiles(driver))
      },
      report: (text) => progress.note(`Kafka driver cache: ${text}`),
    })
  }
  writeStamp(
    root,
    'native-driver',
    runtimeFiles(driver).map((path) => join(DRIVER, path)),
  )
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {import('./native-cache.mjs').CachedFile[]} files
 */
async function tryFiles(root, progress, files) {
  let loaded = false
  await progress.step('Kafka driver from the local cache', async () => {
    clearBuild(root)
    writeFiles(join(root, DRIVER), files)
    const result = await load(root, progress)
    loaded = result.loaded
    return result.remark
  })
  return loaded
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} version
 */
async function tryDownload(root, progress, version) {
  let loaded = false
  await progress.step(`Kafka driver ${version}, prebuilt`, async () => {
    clearBuild(root)
    const failure = await downloadDriver(root, progress)
    if (failure) return `not available: ${failure}`
    const result = await load(root, progress)
    loaded = result.loaded
    return result.remark
  })
  return loaded
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} version
 */
async function compile(root, progress, version) {
  const driver = join(root, DRIVER)
  clearBuild(root)
  await compileDriver(root, progress, version)
  const built = runtimeFiles(driver)
  await stripSymbols(driver, progress, built)
  // What runs here is exactly what the cache will hold: the few files without the compiler's by-products.
  const kept = readFiles(driver, built)
  clearBuild(root)
  writeFiles(driver, kept)
  const { loaded, remark } = await load(root, progress)
  progress.note(`Kafka driver compiled (${remark})`)
  if (loaded) return
  throw new SetupError(
    `The compiled Kafka driver does not work.\nFull log: ${progress.logFile}\n` +
      'What to do: delete node_modules and run the same command again; if it fails the same way, the log says what is missing.',
  )
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 */
async function load(root, progress) {
  const script = "process.stdout.write(require('@confluentinc/kafka-javascript').librdkafkaVersion)"
  const { code, output } = await runLogged(progress, [pinnedNode(root), '-e', script], { cwd: root, env: process.env })
  const errorLine = output.split('\n').find((line) => /^\w*Error\b/.test(line))
  if (code === 0) return { loaded: true, remark: `librdkafka ${output.split('\n').at(-1)}` }
  return { loaded: false, remark: `does not load: ${errorLine ?? `exit code ${code}`}` }
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
