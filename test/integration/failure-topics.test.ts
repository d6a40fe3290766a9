import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type ConsumerOptions,
} from '../../src/index.ts'
import { Collected, handling, numberOf, type Item } from '../consumer/consume.ts'
import { startKafka, type KafkaCluster } from '../kafka/kafka-cluster.ts'
import { startKafkaTools, type KafkaTools } from '../kafka/kafka-tools.ts'

// Of its own, with an authorizer: who comes by the plain listener may do everything, the user of SASL what no ACL forbids.
// Failures are what these are about: no warnings of them in the output.
const stopListening = subscribe('message.rejected', () => undefined)
let kafka: KafkaCluster
let tools: KafkaTools

beforeAll(async () => {
  kafka = await startKafka({
    config: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': true,
    },
    sasl: { users: { reader: 'secret' } },
  })
  tools = await startKafkaTools(kafka.bootstrap)
})
afterAll(async () => {
  stopListening()
  await tools.close()
  await kafka.close()
})

const consumer: ConsumerOptions = {
  retryAttempts: 1,
  retryLaterMs: [100],
  retryOrder: 'none',
  createFailureTopics: 'if-missing',
}

/** A topic with 3 partitions, its group, and the names of what belongs to it. */
async function prepare() {
  const group = randomUUID()
  const topic = `items.${group}`
  await tools.createTopic(topic, { partitions: 3 })
  return { group, topic, retry: `${topic}.${group}.retry-1`, dead: `${topic}.dead-letter` }
}

describe.each(['confluent', 'platformatic'] as const)('topics for failures, driver %s', (driver) => {
  const setUp = (options: ConsumerOptions) =>
    createMessaging(
      { driver, brokers: kafka.bootstrap.split(','), closeOnExit: false, consumer: { ...consumer, ...options } },
      {},
    )
  const setUpReader = (options: ConsumerOptions) =>
    createMessaging(
      {
        driver,
        brokers: kafka.saslBootstrap!.split(','),
        sasl: { mechanism: 'plain', username: 'reader', password: 'secret' },
        closeOnExit: false,
        consumer: { ...consumer, ...options },
      },
      {},
    )

  test('are there when the consumer runs, as its topic is, and are read at once by all that run', async () => {
    const { group, topic, retry, dead } = await prepare()
    await using messaging = setUp({ group })
    const errors: string[] = []
    onTestFinished(subscribe('consumer.errored', ({ error }) => errors.push(error.message)))
    class Sent extends ProducerManifest<Item> {
      override readonly topic = topic
    }
    const seen = new Collected<string>()
    class Items extends handling(
      (message) => {
        seen.add(`${numberOf(message)}#${message.attempt}`)
        throw new Error('no')
      },
      { topic },
    ) {
      override readonly deadLetterTopicConfig = { config: { 'retention.ms': 1_000_000 } }
    }
    const letters = new Collected<number>()
    class ReadDead extends handling((message) => letters.add(numberOf(message)), { topic: dead }) {
      static override manifestName = 'ReadDead'
      override readonly group = `${group}.dead`
      override readonly onFailure = 'stop'
      override readonly retryLaterMs = []
    }
    await using _ = await messaging.consumers.run([Items, ReadDead])
    expect(await tools.describeTopic(retry)).toHaveLength(3)
    expect(await tools.describeTopic(dead)).toHaveLength(3)
    const week = 7 * 86_400_000
    const settings = { 'cleanup.policy': 'delete', 'max.message.bytes': String(1_000_000 + 65_536 + 1_024) }
    expect(await tools.topicConfig(retry)).toMatchObject({ ...settings, 'retention.ms': String(week + 100) })
    expect(await tools.topicConfig(dead)).toMatchObject({ ...settings, 'retention.ms': '1000000' })
    await messaging.registry.send(Sent, { n: 1 })
    expect(await letters.count(1)).toEqual([1])
    expect(seen.values).toEqual(['1#1', '1#2'])
    expect(errors).toEqual([])
  })

  test('that may not be created stop the consumer from running, unless they are there', async () => {
    const { group, topic, retry, dead } = await prepare()
    for (const each of [retry, dead]) await tools.denyCreation(each, 'User:reader')
    await using messaging = setUpReader({ group })
    const Items = handling(() => undefined, { topic })
    const refused = messaging.consumers.run([Items])
    await expect(refused).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED', manifest: 'Items' })
    await expect(refused).rejects.toThrow(/ is missing, and creating it needs CREATE on the topic or the cluster/)
    for (const each of [retry, dead]) await tools.createTopic(each)
    await using _ = await messaging.consumers.run([Items])
    expect(await tools.describeTopic(retry)).toHaveLength(1)
    expect(await tools.describeTopic(dead)).toHaveLength(1)
  })

  test('of a pattern are created when they are needed, or are there already', async () => {
    const { group, topic, dead } = await prepare()
    const other = `${topic}.other`
    await tools.createTopic(other, { partitions: 2 })
    await tools.createTopic(dead)
    await using messaging = setUp({ group, retryLaterMs: [] })
    // What is sent by these is dead at once.
    class Sent extends ProducerManifest<Item> {
      override readonly topic: string = topic
    }
    class SentOther extends Sent {
      override readonly topic = other
    }
    const stored = new Collected<string>()
    onTestFinished(subscribe('message.dead_lettered', ({ deadLetterTopic }) => stored.add(deadLetterTopic)))
    class ByPattern extends ConsumerManifest<Item> {
      override readonly pattern = new RegExp(`^items[.]${group}(?:[.]other)?$`)
      override handle = (): never => {
        throw new Error('no')
      }
    }
    await messaging.registry.send(Sent, { n: 1 })
    await messaging.registry.send(SentOther, { n: 2 })
    await using _ = await messaging.consumers.run([ByPattern])
    expect((await stored.count(2)).toSorted()).toEqual([dead, `${other}.dead-letter`].toSorted())
    expect(await tools.describeTopic(dead)).toHaveLength(1)
    expect(await tools.describeTopic(`${other}.dead-letter`)).toHaveLength(2)
  })
})
