import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setupLockFile, withSetupLock } from '../../scripts/setup/setup-lock.mjs'

let root: string
let notes: string[]
const progress = { note: (text: string) => void notes.push(text) }

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'setup-lock-'))
  notes = []
})

afterEach(async () => rm(root, { recursive: true }))

test('a second set-up in one checkout waits, says for whom, and runs after the first', async () => {
  const order: string[] = []
  const first = Promise.withResolvers<void>()
  const firstRun = withSetupLock(root, progress, async () => {
    order.push('first starts')
    await first.promise
    order.push('first ends')
  })
  const secondRun = withSetupLock(
    root,
    {
      note: (text) => {
        progress.note(text)
        first.resolve()
      },
    },
    async () => void order.push('second starts'),
  )
  await Promise.all([firstRun, secondRun])
  expect(order).toEqual(['first starts', 'first ends', 'second starts'])
  expect(notes).toEqual([`waiting for another set-up in this checkout (process ${process.pid})`])
})

test('the lock of a process that died is taken over', async () => {
  const dead = spawn(process.execPath, ['-e', ''])
  await once(dead, 'exit')
  writeFileSync(setupLockFile(root), String(dead.pid))
  await withSetupLock(root, progress, async () => {
    expect(readFileSync(setupLockFile(root), 'utf8')).toBe(String(process.pid))
  })
  expect(notes).toEqual([])
})

test('the lock is released when the work fails', async () => {
  const failing = withSetupLock(root, progress, async () => {
    throw new Error('no network')
  })
  await expect(failing).rejects.toThrow('no network')
  expect(existsSync(setupLockFile(root))).toBe(false)
})
