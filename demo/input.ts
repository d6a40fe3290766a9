import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadManifest } from '../src/cli/load-manifest.ts'
import { readNdjson } from '../src/cli/ndjson.ts'
import type { ProducerManifestClass } from '../src/index.ts'
import { countCommits, readGitHistory } from './git-history.ts'
import { CommitRecorded, EventRecorded, type Event } from './manifests.ts'

/** What is published: payloads one by one, or the line that cannot be one and why. */
export interface DemoInput {
  readonly description: string
  readonly Manifest: ProducerManifestClass
  /** Whether payloads can be compared as they are; otherwise the schema may fill in defaults. */
  readonly isComplete: boolean
  /** Records or lines in one reading, where that can be known beforehand. */
  readonly total: number | undefined
  read(): AsyncGenerator<InputRecord>
}

/** `where` names the record for messages: a line number or a commit. */
export type InputRecord =
  { readonly where: string; readonly payload: unknown } | { readonly where: string; readonly reason: string }

const repository = fileURLToPath(new URL('..', import.meta.url))
const sample = fileURLToPath(new URL('sample-events.ndjson', import.meta.url))

/** The file or standard input that was asked for; else this repository's history; else, in a copy without one, a sample. */
export async function chooseInput(path: string | undefined, manifest: string | undefined): Promise<DemoInput> {
  if (path !== undefined)
    return await fileInput(path, manifest === undefined ? undefined : await loadManifest(manifest))
  if (!(await hasHistory())) {
    const input = await fileInput(sample, undefined)
    return { ...input, description: `a sample of events, since this copy has no git history` }
  }
  return {
    description: 'the git history of this repository',
    Manifest: CommitRecorded,
    isComplete: true,
    total: await countCommits(repository),
    async *read() {
      for await (const commit of readGitHistory(repository)) yield { where: `commit ${commit.hash}`, payload: commit }
    },
  }
}

/** Leaves the loop, since git waits for who reads on, and this process for git. */
async function hasHistory(): Promise<boolean> {
  try {
    for await (const _ of readGitHistory(repository)) return true
  } catch {
    // No git, or no repository.
  }
  return false
}

async function fileInput(path: string, Manifest: ProducerManifestClass | undefined): Promise<DemoInput> {
  const open = (): AsyncIterable<Uint8Array> => (path === '-' ? process.stdin : createReadStream(path))
  return {
    description: path === '-' ? 'events from standard input' : `events from ${path}`,
    Manifest: Manifest ?? EventRecorded,
    isComplete: Manifest === undefined,
    total: path === '-' ? undefined : await countLines(path),
    async *read() {
      for await (const entry of readNdjson(open())) {
        const where = `line ${entry.line}`
        if ('reason' in entry) yield { where, reason: entry.reason }
        else if (Manifest) yield { where, payload: entry.value }
        else yield { where, ...toEvent(entry.value) }
      }
    },
  }
}

async function countLines(path: string): Promise<number> {
  let lines = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
  }
  return lines
}

function toEvent(value: unknown): { payload: Event } | { reason: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { reason: 'JSON, but not an object' }
  const { key, id } = value as { key?: unknown; id?: unknown }
  const chosen = key ?? id ?? null
  return {
    payload: {
      key: typeof chosen === 'string' || chosen === null ? chosen : JSON.stringify(chosen),
      json: JSON.stringify(value),
    },
  }
}
