import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import type { Commit } from './manifests.ts'

const record = '\u001e'
const unit = '\u001f'

export async function countCommits(directory: string): Promise<number> {
  const { stdout } = await promisify(execFile)('git', ['rev-list', '--count', 'HEAD'], { cwd: directory })
  return Number(stdout)
}

/** The commits of a repository, oldest first. @throws Error when there is no git or no history */
export async function* readGitHistory(directory: string): AsyncGenerator<Commit> {
  const format = ['%H', '%at', '%P', '%s', '%b', ''].join('%x1f')
  const args = ['-c', 'core.quotepath=false', 'log', '--reverse', '--no-renames', '--numstat', `--format=%x1e${format}`]
  const git = spawn('git', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  git.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const ended = new Promise<number>((resolve, reject) => {
    git.on('error', reject)
    git.on('close', resolve)
  })
  ended.catch(() => undefined)

  let buffered = ''
  for await (const chunk of git.stdout.setEncoding('utf8') as AsyncIterable<string>) {
    const records = (buffered + chunk).split(record)
    buffered = records.pop() ?? ''
    for (const text of records) if (text !== '') yield parseCommit(text)
  }
  if (buffered !== '') yield parseCommit(buffered)
  const status = await ended
  if (status !== 0) throw new Error(complaint.split('\n')[0] || `git log ended with status ${status}`)
}

function parseCommit(text: string): Commit {
  const [hash = '', seconds = '', parents = '', subject = '', body = '', changes = ''] = text.split(unit)
  return {
    hash,
    authorTime: Number(seconds) * 1000,
    subject,
    body: body.trimEnd(),
    files: changes
      .split('\n')
      .filter((line) => line.includes('\t'))
      .map(parseChange),
    parents: parents.split(' ').filter((parent) => parent !== ''),
  }
}

function parseChange(line: string): Commit['files'][number] {
  const [insertions = '', deletions = '', ...path] = line.split('\t')
  const count = (text: string): number | null => (text === '-' ? null : Number(text))
  return { path: path.join('\t'), insertions: count(insertions), deletions: count(deletions) }
}
