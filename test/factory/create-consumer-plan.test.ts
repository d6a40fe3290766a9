import { describe, expect, test } from 'vitest'
import { ConfigStore } from '../../src/config/config-store.ts'
import type { MessagingOptions } from '../../src/config/fields.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { ConsumerManifest } from '../../src/factory/consumer-manifest.ts'
import { createConsumerPlan } from '../../src/factory/create-consumer-plan.ts'
import { readConsumerManifest } from '../../src/factory/read-consumer-manifest.ts'
import { catchRejection } from '../catch-error.ts'

function planOf(attributes: object, options: MessagingOptions = {}) {
  class Orders extends ConsumerManifest {
    constructor() {
      super()
      Object.assign(this, { topic: 'orders', group: 'g', handle() {}, ...attributes })
    }
  }
  const store = new ConfigStore({})
  store.configure(options)
  const read = readConsumerManifest(Orders)
  return createConsumerPlan(read, store.resolveConsumer(read.name, read.attributes), {
    instance: 'i',
    config: store.resolve(),
    schemaRegistry: createEmbeddedSchemaRegistry,
  })
}

describe('topics', () => {
  test.each([
    ['a name', {}, {}, ['orders']],
    ['with a prefix', {}, { topicPrefix: 'dev.' }, ['dev.orders']],
    ['several', { topic: undefined, topics: ['a', (e: string) => `${e}.b`] }, { environment: 'qa' }, ['a', 'qa.b']],
    [
      'a pattern',
      { topic: undefined, pattern: /^a|b/ },
      { topicPrefix: 'dev.' },
      [/^(?!.+\.dead-letter$)dev\.(?:a|b)/],
    ],
    ['by configuration', {}, { consumers: { Orders: { topic: 'other' } }, topicPrefix: 'dev.' }, ['dev.other']],
  ])('%s', async (_name, attributes, options, topics) => {
    expect((await planOf(attributes, options)).topics).toEqual(topics)
  })
})

describe('dead letters go', () => {
  test.each([
    ['beside the topic they are of', {}, 'dev.orders.dead-letter'],
    ['where the manifest says', { deadLetterTopic: '{topic}-dlq' }, 'dev.orders-dlq'],
    ['to one topic for all', { deadLetterTopic: 'failures' }, 'dev.failures'],
  ])('%s', async (_name, attributes, topic) => {
    expect((await planOf(attributes, { topicPrefix: 'dev.' })).deadLetterTopic('dev.orders')).toBe(topic)
  })
})

test('the layers are those of producers: attributes beat the section for all, overrides beat attributes', async () => {
  const options = { consumer: { maxMessages: 1, maxBytes: 1 }, consumers: { Orders: { concurrency: 3 } } }
  const { config } = await planOf({ maxMessages: 2, concurrency: 2 }, options)
  expect(config).toMatchObject({ maxMessages: 2, maxBytes: 1, concurrency: 3 })
})

test('a group must be said', async () => {
  const error = await catchRejection(planOf({ group: undefined }))
  expect(error.message).toContain('consumers.Orders.group')
  expect(error).toMatchObject({ code: 'CONFIG_MISSING', manifest: 'Orders' })
})

test('who names partitions needs no group', async () => {
  const { group, partitions } = await planOf({ group: undefined, partitions: [1] }, { topicPrefix: 'dev.' })
  expect([group, partitions]).toEqual(['', new Map([['dev.orders', [1]]])])
})

test.each([
  { topic: undefined, topics: ['a', 'b'] },
  { topic: undefined, pattern: /^a/ },
])('offsets to start from are of one topic: %o', async (attributes) => {
  const error = await catchRejection(planOf({ ...attributes, startFrom: { offsets: [5] } }))
  expect(error).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringMatching(/startFrom/) })
})
