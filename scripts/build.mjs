// Builds what is published into dist/: one bundle per subpath with shared chunks, and declarations file by file.
// Bundled, since loading a hundred small files takes most of the time that an import of the package takes.

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const outputs = [...Object.values(exports).map((conditions) => conditions.default), ...Object.values(bin)].filter(
  Boolean,
)
const names = outputs.map((/** @type {string} */ path) => path.replace(/^\.\/dist\//, '').replace(/\.js$/, ''))

// A file whose source is gone must not linger in the package.
rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: ['ignore', 2, 2] })
// One file of all that the main entry imports, and of the small parts that drivers share: each file more costs an import about a millisecond.
const messaging = /src\/(messaging|driver\/(driver-consumer|error-numbers|load-package))\.ts$/
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(names.map((name) => [name, join(root, 'src', `${name}.ts`)])),
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  platform: 'node',
})
await bundle.write({
  dir: join(root, 'dist'),
  format: 'esm',
  chunkFileNames: 'chunks/[name]-[hash].js',
  codeSplitting: { groups: [{ name: 'messaging', test: messaging }] },
})
