import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../../src/config/fields.ts'
import type { TopicSpecification } from '../../../src/driver/driver.ts'
import { MessagingError } from '../../../src/errors/messaging-error.ts'
import { ConsumerManifest, createMessaging } from '../../../src/index.ts'
import { createMemoryDriver, type MemoryDriver } from '../../../src/testing.ts'
import { catchRejection } from '../../catch-error.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { handling, Sent, setUp, type Item } from '../consume.ts'

const byTopics: ConsumerOptions = {
  createFailureTopics: 'if-missing',
  retryAttempts: 1,
  retryLaterMs: [1_000, 60_000],
  retryOrder: 'none',
}
const week = 7 * 86_400_000

/** A broker in memory that keeps what it was asked to create, and may refuse it. */
function createTopicDriver(refuse: (topic: string) => MessagingError | undefined = () => undefined) {
  const created: TopicSpecification[] = []
  const driver = createMemoryDriver({ partitions: 5 })
  const watched: MemoryDriver = {
    ...driver,
    async createDriver(options) {
      const made = await driver.createDriver(options)
      return {
        ...made,
        async ensureTopic(topic: TopicSpecification): Promise<void> {
          const refusal = refuse(topic.topic)
          if (refusal) throw refusal
          created.push(topic)
          await made.ensureTopic!(topic)
        },
        partitionCount: async (topic: string) => {
          if (driver.records(topic).length > 0) return made.partitionCount!(topic)
          throw new MessagingError('TOPIC_NOT_FOUND', { reason: topic })
        },
      }
    },
  }
  const namesCreated = (): string[] => created.map(({ topic }) => topic).toSorted()
  return { driver, watched, created, namesCreated }
}

class Failing extends handling(() => Promise.reject(new Error('no'))) {}

describe('where they are wanted, topics for failures', () => {
  test('are created before the consumer runs, with the partitions of its topic, for as long as they are needed', async () => {
    const { watched, created } = createTopicDriver()
    await using setup = setUp({ driver: watched, consumer: byTopics, producer: { maxMessageBytes: 1_000 } })
    await setup.send([1])
    class Items extends Failing {
      override readonly deadLetterTopicConfig = { replicationFactor: 2, config: { 'retention.ms': 9, 'segment.ms': 8 } }
    }
    await using _ = await setup.messaging.consumers.run([Items])
    const settings = { 'cleanup.policy': 'delete', 'max.message.bytes': String(1_000 + 65_536 + 1_024) }
    const ofBroker = { partitions: 5, replicationFactor: -1 }
    expect(created.toSorted((a, b) => a.topic.localeCompare(b.topic))).toEqual([
      {
        topic: 'items.dead-letter',
        partitions: 5,
        replicationFactor: 2,
        config: { ...settings, 'retention.ms': '9', 'segment.ms': '8' },
      },
      { topic: 'items.g.retry-1', ...ofBroker, config: { ...settings, 'retention.ms': String(week + 1_000) } },
      { topic: 'items.g.retry-2', ...ofBroker, config: { ...settings, 'retention.ms': String(week + 60_000) } },
    ])
  })

  test('that nobody configures keep dead letters for good, and may have other numbers of partitions', async () => {
    const { watched, created } = createTopicDriver()
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, retryLaterMs: [1] } })
    await setup.send([1])
    class Items extends Failing {
      override readonly retryTopicConfig = { partitions: 2 }
    }
    await using _ = await setup.messaging.consumers.run([Items])
    expect(created.find(({ topic }) => topic === 'items.dead-letter')?.config['retention.ms']).toBe('-1')
    expect(created.find(({ topic }) => topic === 'items.g.retry-1')?.partitions).toBe(2)
  })

  test('are left alone if they are there: nobody asks for them, nor connects for that', async () => {
    const { watched, driver, created } = createTopicDriver()
    await using first = setUp({ driver: watched, consumer: byTopics })
    await first.send([1])
    await (await first.messaging.consumers.run([handling(() => undefined)])).stop()
    expect(created).toHaveLength(3)
    await using second = setUp({ driver: watched, consumer: byTopics })
    const before = driver.createdClients
    await using _ = await second.messaging.consumers.run([handling(() => undefined)])
    expect(created).toHaveLength(3)
    expect(driver.createdClients - before).toBe(1)
  })

  test('that are for all topics of a consumer have the partitions of the largest', async () => {
    const { watched, created } = createTopicDriver()
    const names = { retryTopic: 'retries.{n}', deadLetterTopic: 'dead', retryLaterMs: [1] }
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, ...names }, topicPrefix: 'dev.' })
    class Small extends Sent {
      override readonly topic = 'small' as never
      override readonly createTopic = 'if-missing'
      override readonly topicConfig = { partitions: 2 }
    }
    await setup.messaging.registry.send(Small, { n: 1 })
    await setup.send([1])
    created.length = 0
    class Items extends handling(() => undefined, { topic: undefined }) {
      override readonly topics = ['small', 'items', 'missing']
    }
    await using _ = await setup.messaging.consumers.run([Items])
    const found = created.map(({ topic, partitions }) => `${topic}: ${partitions}`)
    expect(found.toSorted()).toEqual(['dev.dead: 5', 'dev.retries.1: 5'])
  })

  test.each([
    ['never, unless that is configured', { createFailureTopics: 'never' }, []],
    ['none that nothing goes to', { onFailure: 'skip', retryOrder: 'key' }, []],
    ['none for at most once but that of dead letters', { commit: 'before' }, ['items.dead-letter']],
  ] as const)('are created %s', async (_name, options, expected) => {
    const { watched, namesCreated } = createTopicDriver()
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, ...options } })
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([handling(() => undefined)])
    expect(namesCreated()).toEqual(expected)
  })

  test('are created for streams, too: what cannot be decoded has to go somewhere', async () => {
    const { watched, namesCreated } = createTopicDriver()
    await using setup = setUp({ driver: watched, consumer: byTopics })
    await setup.send([1])
    for await (const batch of setup.messaging.consumers.stream(handling(() => undefined))) {
      await batch.commit()
      break
    }
    expect(namesCreated()).toEqual(['items.dead-letter'])
  })

  test('of a topic that is not there yet are created when the first message has to go there', async () => {
    const { watched, driver, created } = createTopicDriver()
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, retryLaterMs: [] } })
    const dead = setup.heard('message.dead_lettered')
    await using _ = await setup.messaging.consumers.run([Failing])
    expect(created).toEqual([])
    await setup.send([1, 2])
    await dead.count(2)
    expect(created).toMatchObject([{ topic: 'items.dead-letter', partitions: 5, config: { 'retention.ms': '-1' } }])
    expect(driver.records('items.dead-letter')).toHaveLength(2)
  })

  test('of a pattern: what is named without {topic} at the start, the others when they are needed', async () => {
    const { watched, created } = createTopicDriver()
    const retryTopic = 'retries.{group}.{n}'
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, retryTopic, retryLaterMs: [1] } })
    const dead = setup.heard('message.dead_lettered')
    class ByPattern extends ConsumerManifest<Item> {
      override readonly pattern = /^items$/
      override handle = (): never => {
        throw new Error('no')
      }
    }
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([ByPattern])
    expect(created).toMatchObject([{ topic: 'retries.g.1', partitions: -1 }])
    await dead.count(1)
    expect(created.slice(1)).toMatchObject([{ topic: 'items.dead-letter', partitions: 5 }])
  })

  test('that are gone when a message has to go there are created again', async () => {
    const { watched, driver, created } = createTopicDriver()
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, retryLaterMs: [] } })
    const dead = setup.heard('message.dead_lettered')
    await setup.send([1])
    const isGone = ({ topic }: { topic: string }): boolean => topic === 'items.dead-letter' && created.length === 1
    driver.failWhen((message) => (isGone(message) ? { code: 'TOPIC_NOT_FOUND', reason: 'deleted' } : undefined))
    await using _ = await setup.messaging.consumers.run([Failing])
    await dead.count(1)
    expect(created.map(({ topic }) => topic)).toEqual(['items.dead-letter', 'items.dead-letter'])
  })
})

describe('topics for failures that cannot be created', () => {
  test('stop the consumer from running, with its name and theirs', async () => {
    const denied = new MessagingError('AUTHORIZATION_DENIED', { reason: 'Topic authorization failed' })
    const { watched, driver } = createTopicDriver((topic) => (topic === 'items.dead-letter' ? denied : undefined))
    await using setup = setUp({ driver: watched, consumer: byTopics })
    await setup.send([1])
    const error = await catchRejection(setup.messaging.consumers.run([Failing]))
    expect(error).toMatchObject({ code: 'AUTHORIZATION_DENIED', manifest: 'Failing', topic: 'items.dead-letter' })
    await setup.messaging.close()
    expect(driver.openClients).toBe(0)
  })

  test('when they are needed, hold the partition until they can', async () => {
    const denied = new MessagingError('AUTHORIZATION_DENIED', { reason: 'Topic authorization failed' })
    let isDenied = true
    const { watched } = createTopicDriver(() => (isDenied ? denied : undefined))
    await using setup = setUp({ driver: watched, consumer: { ...byTopics, retryLaterMs: [] } })
    const errored = setup.heard('consumer.errored')
    const dead = setup.heard('message.dead_lettered')
    await using _ = await setup.messaging.consumers.run([Failing])
    await setup.send([1])
    await errored.count(2)
    expect(errored.values[0]!.error).toMatchObject({ code: 'DEAD_LETTER_FAILED', topic: 'items.dead-letter' })
    expect(errored.values[0]!.error.message).toContain('creating it needs CREATE on the topic or the cluster')
    isDenied = false
    await dead.count(1)
  })
})

describe.each([
  { driver: 'confluent', protocol: 'consumer', code: 'REQUEST_TIMED_OUT' },
  { driver: 'platformatic', protocol: 'classic', code: 'BROKERS_UNREACHABLE' },
] as const)('on the mock cluster, which creates no topics on request, $driver', ({ driver, protocol, code }) => {
  const cluster = withMockCluster()
  const start = () =>
    createMessaging(
      {
        driver,
        brokers: cluster.brokers,
        connectTimeoutMs: 3_000,
        closeOnExit: false,
        consumer: {
          ...byTopics,
          retryLaterMs: [],
          group: 'g',
          protocol,
        },
      },
      {},
    )

  test('a consumer whose dead letter topic is missing does not run, one whose topic is there does', async () => {
    await using messaging = start()
    await messaging.registry.send(Sent, { n: 1 })
    const Items = handling(() => undefined)
    const error = await catchRejection(messaging.consumers.run([Items]))
    expect(error).toMatchObject({ code, manifest: 'Items', outcome: 'not_sent' })
    class Dead extends Sent {
      override readonly topic = 'items.dead-letter' as never
    }
    await messaging.registry.send(Dead, { n: 1 })
    await using _ = await messaging.consumers.run([Items])
  })
})
