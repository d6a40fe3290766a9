import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { runProgram } from './run-program.ts'

test('two copies of the package in one process neither share nor break each other', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'postrider-copy-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const root = fileURLToPath(new URL('../../', import.meta.url))
  await cp(join(root, 'src'), join(directory, 'src'), { recursive: true })
  await cp(join(root, 'package.json'), join(directory, 'package.json'))
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  expect(await runProgram('two-copies', join(directory, 'src'))).toEqual({
    distinct: true,
    offsets: [0, 0, 0],
    instance: false,
    recognised: true,
  })
})
