import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const examples = readdirSync(new URL('examples/', root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

function programOf(example: string): string {
  const programs = readdirSync(new URL(`examples/${example}/`, root)).filter((name) => name.endsWith('.ts'))
  expect(programs, `examples/${example}/ holds one program`).toHaveLength(1)
  return `examples/${example}/${programs[0]}`
}

describe.concurrent('an example', () => {
  test.each(examples)('%s prints what it says it prints, and ends by itself', async (example) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(programOf(example), root))], {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTRIDER_'))),
    })
    child.stdin.end()
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    expect({ stdout, stderr, code }).toEqual({
      stdout: read(`examples/${example}/expected-output.txt`),
      stderr: '',
      code: 0,
    })
  })
})

test('the program of the README is the first example, importing the package by its name', () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, { default?: string }> }
  const names = new Map(
    Object.entries(exports).map(([subpath, target]) => [
      `../../${target.default?.replace('./dist/', 'src/').replace(/\.js$/, '.ts')}`,
      `postrider${subpath.slice(1)}`,
    ]),
  )
  const program = read('examples/first-message/order.ts').replace(
    /from '(\.\.[^']+)'/g,
    (_, path: string) => `from '${names.get(path) ?? `${path}, which is no subpath of the package`}'`,
  )
  expect(read('README.md')).toContain(`\`\`\`ts\n${program}\`\`\`\n`)
  expect(read('README.md')).toContain(read('examples/first-message/expected-output.txt'))
})

test('the consumer of the README is that of its example', () => {
  const example = read('examples/consumer/billing.ts')
  const [manifest] = /^class BillOrder.+?^}$/ms.exec(example)!
  const [run] = /^const running = .+$/m.exec(example)!
  expect(read('README.md')).toContain(`\`\`\`ts\n${manifest}\n\n${run}\n\`\`\`\n`)
})
