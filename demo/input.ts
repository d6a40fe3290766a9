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
  read(): AsyncGenerator<{ payload: unknown } | { line: number; reason: string }>
}

const repository = fileURLToPath(new URL('..', import.meta.url))
const sample = fileURLToPath(new URL('sample-events.ndjson', import.meta.url))

/** The file or standard input that was asked for; else this repository's history; else, in a copy without one, a sample. */
export async function chooseInput(path: string | undefined, manifest: string | undefined): Promise<DemoInput> {
  if (path !== undefined)
    return await fileInput(path, manifest === undefined ? undefined : await loadManifest(manifest))
  const first = await readGitHistory(repository)
    .next()
    .catch((error: unknown) => ({ done: true, value: undefined, reason: (error as Error).message }))
  if (first.done) {
    const input = await fileInput(sample, undefined)
    return { ...input, description: `a sample of events, since this copy has no git history` }
  }
  return {
    description: 'the git history of this repository',
    Manifest: CommitRecorded,
    isComplete: true,
    total: await countCommits(repository),
    async *read() {
      for await (const commit of readGitHistory(repository)) yield { payload: commit }
    },
  }
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
        if ('reason' in entry) yield entry
        else if (Manifest) yield { payload: entry.value }
        else yield toEvent(entry.line, entry.value)
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

function toEvent(line: number, value: unknown): { payload: Event } | { line: number; reason: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, reason: 'the line is JSON but not an object' }
  }
  const { key, id } = value as { key?: unknown; id?: unknown }
  const chosen = key ?? id
  return {
    payload: { key: chosen === undefined || chosen === null ? null : String(chosen), json: JSON.stringify(value) },
  }
}
