import { describeType } from '../encoding/codec.ts'
import { schemaNameOf } from '../encoding/schema-references.ts'
import { MessagingError } from '../errors/messaging-error.ts'

export type SubjectStrategy = 'topic' | 'record' | 'topic-record'

export interface SubjectRequest {
  readonly manifest: string
  /** The full topic name, prefix included. */
  readonly topic: string
  readonly part: 'key' | 'value'
  readonly schema: string | object | undefined
  readonly strategy: SubjectStrategy
  /** The manifest’s own word; undefined leaves it to the strategy. */
  readonly hook: (topic: string, part: 'key' | 'value') => unknown
}

/**
 * The name a schema is registered under, as Confluent’s strategies make it: `<topic>-value` (TopicNameStrategy),
 * `<record>` (RecordNameStrategy) or `<topic>-<record>` (TopicRecordNameStrategy).
 * @throws MANIFEST_INVALID where a strategy needs the name of a record and the schema has none; MANIFEST_HOOK_FAILED
 */
export function resolveSubject(request: SubjectRequest): string {
  const { manifest, topic, part, schema, strategy, hook } = request
  const failed = (reason: string, cause?: unknown): MessagingError =>
    new MessagingError(
      'MANIFEST_HOOK_FAILED',
      { manifest, hook: 'subject', reason },
      { manifest, ...(cause === undefined ? {} : { cause }) },
    )
  let own: unknown
  try {
    own = hook(topic, part)
  } catch (error) {
    throw failed('', error)
  }
  if (own !== undefined && (typeof own !== 'string' || own === '')) {
    throw failed(`: it must give a name or undefined, not ${own === '' ? 'an empty string' : describeType(own)}`)
  }
  if (own !== undefined) return own
  if (strategy === 'topic' || schema === undefined) return `${topic}-${part}`
  const record = schemaNameOf(schema)
  if (record === undefined) {
    const reason = `has no name, which subjectStrategy "${strategy}" needs`
    throw new MessagingError('MANIFEST_INVALID', { manifest, attribute: 'schema', reason }, { manifest })
  }
  return strategy === 'record' ? record : `${topic}-${record}`
}
