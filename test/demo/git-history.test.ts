import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readGitHistory } from '../../demo/git-history.ts'

/** A repository whose commits say more together than a pipe holds. */
async function createRepository(commits: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'postrider-history-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const git = (...args: string[]): void => void execFileSync('git', args, { cwd: directory, stdio: 'ignore' })
  git('init')
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false']
  for (let index = 0; index < commits; index++)
    git(...who, 'commit', '--allow-empty', '-m', `subject ${index}\n\n${'x'.repeat(60_000)}`)
  return directory
}

test('a history is read from its beginning, and git ends with who reads no further', async () => {
  const directory = await createRepository(6)
  const subjects: string[] = []
  for await (const { subject } of readGitHistory(directory)) subjects.push(subject)
  expect(subjects).toEqual(Array.from({ length: 6 }, (_, index) => `subject ${index}`))
  for await (const { subject } of readGitHistory(directory)) {
    expect(subject).toBe('subject 0')
    break
  }
  while (process.getActiveResourcesInfo().includes('ProcessWrap')) await new Promise(setImmediate)
})
