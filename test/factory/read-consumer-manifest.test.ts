import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  ConsumerManifest,
  isConsumerManifestClass,
  type ConsumerManifestClass,
  type ReceivedMessage,
} from '../../src/factory/consumer-manifest.ts'
import { ProducerManifest } from '../../src/factory/producer-manifest.ts'
import { readConsumerManifest } from '../../src/factory/read-consumer-manifest.ts'
import { catchError } from '../catch-error.ts'

const withAttributes = (attributes: object): ConsumerManifestClass =>
  class Read extends ConsumerManifest {
    constructor() {
      super()
      Object.assign(this, { topic: 'orders', handle() {}, ...attributes })
    }
  }

test('a manifest is recognised by its class, and producers are not', () => {
  class Orders extends ConsumerManifest {}
  class Sent extends ProducerManifest {
    override readonly topic = 'orders'
  }
  expect([Orders, Sent, new Orders(), 'Orders', undefined].map(isConsumerManifestClass)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ])
})

test('attributes are read, and those of the config table are told apart', () => {
  const Manifest = withAttributes({ group: 'g', maxMessages: 7, codec: 'bytes', unrelated: 1 })
  expect(readConsumerManifest(Manifest)).toMatchObject({
    name: 'Read',
    topics: ['orders'],
    pattern: undefined,
    codec: 'bytes',
    attributes: { group: 'g', maxMessages: 7 },
  })
  expect(readConsumerManifest(withAttributes({ topic: undefined, pattern: /^a/ })).topics).toEqual([])
  expect(readConsumerManifest(withAttributes({ topic: undefined, topics: ['a', () => 'b'] })).topics).toHaveLength(2)
})

test('a stream needs no handler', () => {
  expect(readConsumerManifest(withAttributes({ handle: undefined }), 'stream').name).toBe('Read')
})

describe('refused is', () => {
  test.each([
    ['no topic', { topic: undefined }, 'topic'],
    ['a topic and a pattern', { pattern: /^a/ }, 'topic'],
    ['a topic that is no name', { topic: 7 }, 'topic'],
    ['an empty list of topics', { topic: undefined, topics: [] }, 'topics'],
    ['a list with something else in it', { topic: undefined, topics: ['a', 7] }, 'topics'],
    ['a pattern that begins anywhere', { topic: undefined, pattern: /a/ }, 'pattern'],
    ['a pattern with flags', { topic: undefined, pattern: /^a/i }, 'pattern'],
    ['no object as topic settings', { retryTopicConfig: null }, 'retryTopicConfig'],
    ['a topic without partitions', { deadLetterTopicConfig: { partitions: 0 } }, 'deadLetterTopicConfig.partitions'],
    ['a handler that is no method', { handle: 'x' }, 'handle'],
    ['no handler', { handle: undefined }, 'handle'],
    ['two handlers', { handleBatch() {} }, 'handle'],
    ['a filter that is no method', { filter: true }, 'filter'],
    ['a codec that does not exist', { codec: 'xml' }, 'codec'],
  ])('%s', (_name, attributes, attribute) => {
    const error = catchError(() => readConsumerManifest(withAttributes(attributes)))
    expect(error).toMatchObject({ code: 'MANIFEST_INVALID', manifest: 'Read' })
    expect(error.message).toContain(`Read: ${attribute} `)
  })
})

test('a message is a tombstone or has a payload', () => {
  const message = {} as ReceivedMessage<{ id: string }>
  expectTypeOf<typeof message.payload>().toEqualTypeOf<{ id: string } | null>()
  if (!message.isTombstone) expectTypeOf<typeof message.payload>().toEqualTypeOf<{ id: string }>()
})
