import { ProducerManifest } from '../src/index.ts'

export interface Commit {
  readonly hash: string
  /** Milliseconds since 1970. */
  readonly authorTime: number
  readonly subject: string
  readonly body: string
  /** Insertions and deletions are null for binary files. */
  readonly files: readonly {
    readonly path: string
    readonly insertions: number | null
    readonly deletions: number | null
  }[]
  readonly parents: readonly string[]
}

/** One commit of a git history. */
export class CommitRecorded extends ProducerManifest<Commit> {
  topic = 'demo.commits'
  override readonly schema = {
    type: 'record',
    name: 'CommitRecorded',
    namespace: 'postrider.demo',
    fields: [
      { name: 'hash', type: 'string' },
      { name: 'authorTime', type: 'long' },
      { name: 'subject', type: 'string' },
      { name: 'body', type: 'string' },
      {
        name: 'files',
        type: {
          type: 'array',
          items: {
            type: 'record',
            name: 'FileChanged',
            fields: [
              { name: 'path', type: 'string' },
              { name: 'insertions', type: ['null', 'int'] },
              { name: 'deletions', type: ['null', 'int'] },
            ],
          },
        },
      },
      { name: 'parents', type: { type: 'array', items: 'string' } },
    ],
  }
  // Commits carry their own old timestamps, which a broker's retention would take for expired.
  override readonly topicConfig = { partitions: 6, config: { 'retention.ms': -1 } }

  override key(commit: Commit): string {
    return commit.hash
  }

  override timestamp(commit: Commit): number {
    return commit.authorTime
  }
}

export interface Event {
  /** `key` or `id` of the line, where it has one. */
  readonly key: string | null
  /** The line as JSON text. */
  readonly json: string
}

/** One line of any newline-delimited JSON. */
export class EventRecorded extends ProducerManifest<Event> {
  topic = 'demo.events'
  override readonly schema = {
    type: 'record',
    name: 'EventRecorded',
    namespace: 'postrider.demo',
    fields: [
      { name: 'key', type: ['null', 'string'] },
      { name: 'json', type: 'string' },
    ],
  }
  override readonly topicConfig = { partitions: 6 }

  override key(event: Event): string | null {
    return event.key
  }
}
