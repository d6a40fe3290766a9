// What a compilation of the driver needs from the machine: tools and headers, installed where that is possible without asking.

import { existsSync } from 'node:fs'
import { SetupError } from './progress.mjs'
import { runLogged } from './run-logged.mjs'

const NEEDED = [
  { probe: 'command -v make', debian: 'make' },
  { probe: 'command -v gcc || command -v cc', debian: 'gcc' },
  { probe: 'command -v g++ || command -v c++', debian: 'g++' },
  { probe: 'command -v python3', debian: 'python3' },
  { probe: header('openssl/ssl.h'), debian: 'libssl-dev' },
  { probe: header('curl/curl.h'), debian: 'libcurl4-openssl-dev' },
  { probe: header('zlib.h'), debian: 'zlib1g-dev' },
  { probe: header('zstd.h'), debian: 'libzstd-dev' },
  { probe: header('sasl/sasl.h'), debian: 'libsasl2-dev' },
]

/** @param {import('./progress.mjs').Progress} progress */
export async function requireBuildTools(progress) {
  // On macOS the package's own build brings its libraries with it, and its compiler's message says what is missing.
  if (process.platform !== 'linux') return
  const missing = await findMissing(progress)
  if (missing.length === 0) return

  const packages = missing.map(({ debian }) => debian)
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  const debian = existsSync('/etc/debian_version')
  if (!debian) {
    throw new SetupError(
      `Compiling the Kafka driver needs what Debian calls ${packages.join(', ')}.\n` +
        "What to do: install your distribution's packages of these, then run the same command again.",
    )
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `Compiling the Kafka driver needs ${packages.join(', ')}.\n` +
        `What to do: sudo ${install}\nThen run the same command again.`,
    )
  }
  await progress.step(`system packages ${packages.join(' ')}`, async () => {
    const options = { cwd: '/', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
    const first = await runLogged(progress, install.split(' '), options)
    if (first.code !== 0) {
      await runLogged(progress, ['apt-get', 'update'], options)
      await runLogged(progress, install.split(' '), options)
    }
  })
  const stillMissing = await findMissing(progress)
  if (stillMissing.length > 0) {
    throw new SetupError(
      `Could not install ${stillMissing.map(({ debian }) => debian).join(', ')}.\nFull log: ${progress.logFile}\n` +
        `What to do: ${install}\nThen run the same command again.`,
    )
  }
}

/** @param {import('./progress.mjs').Progress} progress */
async function findMissing(progress) {
  const missing = []
  for (const need of NEEDED) {
    const { code } = await runLogged(progress, ['sh', '-c', need.probe], { cwd: '/', env: process.env })
    if (code !== 0) missing.push(need)
  }
  return missing
}

/** @param {string} name */
function header(name) {
  return `echo '#include <${name}>' | cc -E -o /dev/null -`
}
