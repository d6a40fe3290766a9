import { describe, expect, test } from 'vitest'
import type { TopicSpecification } from '../../src/driver/driver.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { checkTopicConfig, createTopic } from '../../src/factory/create-topic.ts'
import { catchError, catchRejection } from '../catch-error.ts'

const missing = { manifest: 'Orders', topic: 'orders', askedBy: 'createTopic' } as const

/** A driver that keeps what it was asked for, and may refuse it. */
function createDriver(refusal?: MessagingError, partitionCount?: () => Promise<number>) {
  const ensured: TopicSpecification[] = []
  return {
    ensured,
    ensureTopic(topic: TopicSpecification): Promise<void> {
      ensured.push(topic)
      return refusal ? Promise.reject(refusal) : Promise.resolve()
    },
    ...(partitionCount ? { partitionCount } : {}),
  }
}

describe('a topic', () => {
  test('is created with settings as text, and with the defaults of the broker where nothing is said', async () => {
    const driver = createDriver()
    await createTopic(driver, missing, {})
    await createTopic(driver, missing, { partitions: 3, replicationFactor: 2, config: { 'retention.ms': 1, a: true } })
    expect(driver.ensured).toEqual([
      { topic: 'orders', partitions: -1, replicationFactor: -1, config: {} },
      { topic: 'orders', partitions: 3, replicationFactor: 2, config: { 'retention.ms': '1', a: 'true' } },
    ])
  })

  test('cannot be created by every driver', async () => {
    const error = await catchRejection(createTopic({}, { ...missing, askedBy: 'createFailureTopics' }, {}))
    expect(error).toMatchObject({ code: 'TOPIC_INVALID', manifest: 'Orders', topic: 'orders' })
    expect(error.message).toContain('set createFailureTopics to "never"')
  })

  const denied = new MessagingError('AUTHORIZATION_DENIED', { reason: 'no' }, { driverCode: 29, outcome: 'not_sent' })

  test('that nobody here may create is left alone where it is there', async () => {
    await createTopic(
      createDriver(denied, () => Promise.resolve(1)),
      missing,
      {},
    )
  })

  test.each([
    ['is not there', () => Promise.reject(new MessagingError('TOPIC_NOT_FOUND', { reason: 'orders' }))],
    ['cannot be asked for', undefined],
  ])('that nobody here may create is named where it %s', async (_name, partitionCount) => {
    const error = await catchRejection(createTopic(createDriver(denied, partitionCount), missing, {}))
    expect(error).toMatchObject({
      code: 'AUTHORIZATION_DENIED',
      manifest: 'Orders',
      topic: 'orders',
      driverCode: 29,
      outcome: 'not_sent',
      cause: denied,
    })
    expect(error.message).toContain('orders is missing, and creating it needs CREATE on the topic or the cluster')
  })

  test('that is refused for another reason is told as the driver says', async () => {
    const refusal = new MessagingError('TOPIC_INVALID', { reason: 'replication factor' })
    const driver = createDriver(refusal, () => Promise.resolve(1))
    expect(await catchRejection(createTopic(driver, missing, {}))).toBe(refusal)
  })
})

test('what is no setting of a topic is refused by the name of its attribute', () => {
  const check = (config: object) =>
    catchError(() =>
      checkTopicConfig('retryTopicConfig', config, (attribute, reason) => {
        return new MessagingError('MANIFEST_INVALID', { manifest: 'Orders', attribute, reason })
      }),
    ).message
  expect(check({ partitions: 1.5 })).toContain('retryTopicConfig.partitions must be an integer from 1')
  expect(check({ config: { a: null } })).toContain("retryTopicConfig.config['a'] must be a string, number or boolean")
})
