import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { usage } from '../../../benchmarks/compare/read-arguments.ts'

const main = fileURLToPath(new URL('../../../benchmarks/compare/main.ts', import.meta.url))

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('--help says what can be asked for', () => {
  expect(run('--help')).toEqual({ status: 0, stdout: usage, stderr: '' })
})

test('a name that nothing has is answered with those that exist, before anything is started', () => {
  expect(run('--only', 'consume-everything')).toEqual({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('no work is called consume-everything; there are produce-1, produce-10,') as string,
  })
  expect(run('--clients', 'nobody').stderr).toContain('no client is called nobody; there are postrider,')
})
