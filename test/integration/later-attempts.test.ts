import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  type ConsumerOptions,
  type ReceivedMessage,
} from '../../src/index.ts'
import { Collected, handling, numberOf, type Item } from '../consumer/consume.ts'
import { expectOrderedKeys } from '../consumer/expect-ordered-keys.ts'

const brokers = (process.env['KAFKA_BOOTSTRAP'] ?? '').split(',')

const senders = new Map<string, ReturnType<typeof createSender>>()

function senderTo(topic: string) {
  const known = senders.get(topic) ?? createSender(topic)
  senders.set(topic, known)
  return known
}

function createSender(topic: string) {
  return class Sent extends ProducerManifest<Item> {
    static override manifestName = `to-${topic.replaceAll('.', '-')}`
    override readonly topic = topic
    override readonly createTopic = 'if-missing'
    override readonly topicConfig = { partitions: 3 }
  }
}

describe.each(['confluent', 'platformatic'] as const)('attempts that are put off, driver %s', (driver) => {
  const setUp = (consumer: ConsumerOptions) =>
    createMessaging({ driver, brokers, closeOnExit: false, consumer: { retryAttempts: 1, ...consumer } }, {})

  test('by way of retry topics: others go ahead, and the dead letter says where it came from', async () => {
    const group = randomUUID()
    const topic = `items.${group}`
    const consumer: ConsumerOptions = { group, retryLaterMs: [300, 300], retryOrder: 'none', startFrom: 'latest' }
    await using messaging = setUp(consumer)
    const ready = new Collected<number>()
    const seen = new Collected<string>()
    const dead = new Collected<Record<string, string | undefined>>()
    const topics = [topic, `${topic}.${group}.retry-1`, `${topic}.${group}.retry-2`, `${topic}.dead-letter`]
    for (const each of topics) await messaging.registry.send(senderTo(each), { n: -1 })
    const Items = handling(
      (message) => {
        const n = numberOf(message)
        if (n < 0) return ready.add(n)
        seen.add(`${n}#${message.attempt}`)
        if (n === 1) throw new RangeError('no')
      },
      { topic },
    )
    class ReadDead extends ConsumerManifest<Item> {
      override readonly topic = `${topic}.dead-letter`
      override readonly group = `${group}.dead`
      override readonly startFrom = 'earliest'

      override handle(message: ReceivedMessage<Item>): void {
        const said = (name: string): string | undefined => message.header(`postrider-dead-letter-${name}`)
        const [from, partition, offset, attempts] = ['topic', 'partition', 'offset', 'attempts'].map(said)
        if (from !== undefined) dead.add({ from, partition, offset, attempts })
      }
    }
    await using _ = await messaging.consumers.run([Items, ReadDead])
    // What is in the retry topics is read, though the consumer starts from the end.
    await ready.count(2)
    // Where the end of a partition was is known once something of it has come.
    let n = 2
    while (seen.values.length === 0) await messaging.registry.send(senderTo(topic), { n: n++ }, { partition: 0 })
    await messaging.registry.send(senderTo(topic), { n: 1 }, { partition: 0, key: 'k' })
    await messaging.registry.send(senderTo(topic), { n: 0 }, { partition: 0 })
    const [letter] = await dead.count(1)
    expect(letter).toEqual({ from: topic, partition: '0', offset: expect.any(String), attempts: '3' })
    const of = seen.values.filter((text) => text.startsWith('1#') || text.startsWith('0#'))
    expect(of).toEqual(['1#1', '0#1', '1#2', '1#3'])
  })

  test('keys keep their order while members come and go', async () => {
    const group = randomUUID()
    const topic = `ordered.${group}`
    const consumer: ConsumerOptions = { group, retryLaterMs: [20, 20, 20], commitIntervalMs: 50 }
    await using first = setUp(consumer)
    await using second = setUp(consumer)
    await expectOrderedKeys([first, second], senderTo(topic), 60)
  })
})
