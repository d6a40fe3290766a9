import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../', import.meta.url))
const examples = Array.from(
  readFileSync(join(root, 'docs/observability.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms),
  ([, program], index) => ({ name: `example-${index + 1}`, program: program! }),
)

/** What the application does with each: the configuration is read by the first send. */
const application = (name: string): string => `import './${name}.ts'
import { configure, ProducerManifest, registry } from 'postrider'

class OrderPlaced extends ProducerManifest<{ id: number }> {
  topic = 'orders.placed'
}

configure({ driver: 'memory' })
const { offset } = await registry.send(OrderPlaced, { id: 1 })
await registry.close()
console.log('acknowledged at', offset)
`

let directory: string

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'examples-')))
  const modules = join(directory, 'node_modules')
  mkdirSync(join(modules, 'postrider'), { recursive: true })
  for (const name of ['@bugsnag', '@opentelemetry', '@types', 'pino'])
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  // The package by its name, from the sources.
  const manifest = { name: 'postrider', type: 'module', exports: { '.': './src/index.ts' } }
  writeFileSync(join(modules, 'postrider/package.json'), JSON.stringify(manifest))
  symlinkSync(join(root, 'src'), join(modules, 'postrider/src'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const config = { extends: join(root, 'tsconfig.json'), include: ['*.ts'] }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  for (const { name, program } of examples) {
    writeFileSync(join(directory, `${name}.ts`), program)
    writeFileSync(join(directory, `${name}-application.ts`), application(name))
  }
})

afterAll(() => rmSync(directory, { recursive: true }))

test('the examples of docs/observability.md compile', async () => {
  const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', directory]).catch(
    (failure: { stdout: string }) => failure,
  )
  expect(stdout).toBe('')
})

test.each(examples)('$name of docs/observability.md runs', async ({ name }) => {
  const { stdout, stderr } = await run(process.execPath, [join(directory, `${name}-application.ts`)])
  expect(stdout).toContain('acknowledged at 0\n')
  expect(stderr).not.toContain('PostriderWarning')
})
