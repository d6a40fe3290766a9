// The two slow ways to the native driver: its maintainers' prebuilt file, and a compilation.

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { requireBuildTools } from './build-tools.mjs'
import { pinnedNodeHeaders } from './pinned-node.mjs'
import { environment, mustRun, runLogged } from './run-logged.mjs'

const DRIVER = '@confluentinc/kafka-javascript'
const UNREACHABLE_AFTER_MS = 8_000
const DOWNLOAD_LIMIT_MS = 90_000

/**
 * Runs the package's own installer without its fall-back to a compilation, which is ours.
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @returns {Promise<string | undefined>} why there is none, or undefined when it is in place
 */
export async function downloadDriver(root, progress) {
  const { code, output } = await runLogged(progress, ['node-pre-gyp', 'install'], {
    cwd: join(root, 'node_modules', DRIVER),
    env: environment(root),
    totalMs: DOWNLOAD_LIMIT_MS,
    mustSay: { text: 'unpacking', withinMs: UNREACHABLE_AFTER_MS },
  })
  if (code === 0) return undefined
  return (
    /reason: .*|response status .*|no "unpacking" within .*|not finished after .*/.exec(output)?.[0] ??
    `exit code ${code}`
  )
}

/**
 * @param {string} root
 * @param {import('./progress.mjs').Progress} progress
 * @param {string} version
 */
export async function compileDriver(root, progress, version) {
  const jobs = String(availableParallelism())
  const driver = join(root, 'node_modules', DRIVER)
  const remedy = 'read the end of the log; a missing tool or header is named there. Then run the same command again.'
  const env = environment(root, {
    JOBS: jobs,
    npm_config_nodedir: pinnedNodeHeaders(root),
    npm_config_build_from_source: 'true',
    npm_config_ignore_scripts: 'false',
    // Against the system's OpenSSL, curl and zstd; a static build would download and compile those as well.
    ...(process.platform === 'linux' && { CKJS_LINKING: 'dynamic' }),
  })

  await requireBuildTools(progress)
  // The driver's build runs these two commands as well, but on its own it compiles with debug symbols, and its makefile
  // does not allow parallel jobs before librdkafka is configured.
  if (process.platform === 'linux') {
    await progress.step(`compiling librdkafka for Kafka driver ${version}`, async () => {
      const what = 'Compiling librdkafka'
      await mustRun(progress, ['bash', './configure', '--disable-debug-symbols'], { cwd: driver, env, what, remedy })
      await mustRun(progress, ['make', '-j', jobs, '-C', 'deps/librdkafka', 'libs'], { cwd: driver, env, what, remedy })
    })
  }
  await progress.step(`compiling Kafka driver ${version}`, async () => {
    const what = 'Compiling the Kafka driver'
    await mustRun(progress, ['npm', 'rebuild', DRIVER, '--foreground-scripts'], { cwd: root, env, what, remedy })
  })
}

/**
 * @param {string} driver
 * @param {import('./progress.mjs').Progress} progress
 * @param {string[]} files
 */
export async function stripSymbols(driver, progress, files) {
  if (process.platform !== 'linux') return
  try {
    await runLogged(progress, ['strip', '--strip-unneeded', ...files], { cwd: driver, env: process.env })
  } catch {
    // No `strip` on this machine: larger files, the same driver.
  }
}
