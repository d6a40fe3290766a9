// Checks what would be published, as its users get it: built, packed, and installed into an empty project.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ALLOWED = [/^dist\/.+\.(js|d\.ts)$/, /^(README|CHANGELOG)\.md$/, /^LICENSE$/, /^package\.json$/]
const REQUIRED = ['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts']

/** The entry, and one of all that it needs: each more takes a part of the time that an import may take. */
const FILES_OF_AN_IMPORT = 2

const root = fileURLToPath(new URL('..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'postrider-package-'))

try {
  run('node', [join(root, 'scripts/build.mjs')])
  const tarball = pack()
  run('publint', ['run', '--strict', tarball])
  // esm-only: require() of an ES module works on every Node version the package supports.
  run('attw', ['--profile', 'esm-only', tarball])
  importInstalled(tarball)
  console.log('package: all checks passed')
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true })
}

function pack() {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  /** @type {{ filename: string, files: { path: string }[] }[]} */
  const [packed] = Object.values(JSON.parse(output))
  if (!packed) throw new Error('npm pack packed nothing')
  const paths = packed.files.map(({ path }) => path)
  const surplus = paths.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))
  const missing = REQUIRED.filter((path) => !paths.includes(path))
  if (surplus.length > 0) throw new Error(`would publish ${surplus.join(', ')}; see "files" in package.json`)
  if (missing.length > 0) throw new Error(`would be published without ${missing.join(', ')}`)
  console.log(`package: ${paths.length} files, each of them meant to be published`)
  return join(scratch, packed.filename)
}

/**
 * The driver is an optional peer: importing the package must work where it is not installed.
 * @param {string} tarball
 */
function importInstalled(tarball) {
  const project = mkdtempSync(join(scratch, 'project-'))
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  run('npm', [...install, tarball], project)
  if (existsSync(join(project, 'node_modules/@confluentinc')))
    throw new Error('installing it installs the native driver')
  const script = `
    import { registerHooks } from 'node:module'
    const files = []
    registerHooks({
      load(url, context, load) {
        if (url.startsWith('file:')) files.push(url)
        return load(url, context)
      },
    })
    const { registry } = await import('postrider')
    if (typeof registry?.send !== 'function') throw new Error('postrider exports no registry with a send method')
    if (files.length !== ${FILES_OF_AN_IMPORT}) throw new Error('an import loads ' + files.join(', '))`
  run('node', ['--input-type=module', '-e', script], project)
  console.log(`package: imports without the native driver, ${FILES_OF_AN_IMPORT} files in all`)
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function run(program, args, cwd = root) {
  console.log(`package: ${program} ${args.join(' ').split('\n', 1)[0]}`.trimEnd())
  execFileSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
}
